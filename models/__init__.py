"""The data types: tables, manifests, runs, findings, messages. They do no input or output, and import neither
`extractors` nor `pipelines`.
"""
