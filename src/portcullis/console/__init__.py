"""The approvers' web pages and API: HTTP in, HTML or JSON out. Talks to the desk only."""
