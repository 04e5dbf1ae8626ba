"""The operations that manage: s3control, Lambda, IAM."""
