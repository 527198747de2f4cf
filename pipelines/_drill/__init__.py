"""The steps of a drill: comparing what was restored with manifests and homes, and looking whether sessions resume."""
