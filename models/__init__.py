"""What things are: tables, findings, runs, what makes two messages the same. Neither an ORM nor machine learning."""
