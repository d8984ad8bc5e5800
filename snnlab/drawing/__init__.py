"""Pictures of charts without a browser: what a figure says, as SVG or PNG."""
