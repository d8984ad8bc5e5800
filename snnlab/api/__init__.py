"""REST and OpenAPI: a spec is the body of a request, an error names the field."""
