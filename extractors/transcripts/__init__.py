"""The parsers and tables of transcripts: records, content blocks and the files beside transcripts, for the sources that
read them. See extractors/FORMATS.md."""
