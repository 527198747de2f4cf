"""The parts that a sample home is made of; `pipelines.demo` is the way in."""
