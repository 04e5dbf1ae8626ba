"""The one outgoing HTTP client: to upstream stores, to webhooks."""
