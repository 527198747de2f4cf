"""What `pipelines.forget` is made of: what is meant, where it stands, what holds it, and how that is written anew."""
