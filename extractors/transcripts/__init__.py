"""What transcripts hold: their records, content blocks and tables, for the sources that read them."""
