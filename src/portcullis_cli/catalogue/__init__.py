"""What is known of tools and of the attacks on them: data, and how it is read. No network."""
