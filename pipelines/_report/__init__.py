"""The verification report: its facts, and how they are shown. Private to `pipelines.report`."""
