"""May they? The IAM policy language, pure."""
