"""One file a technology: each adapter fills a port and translates its technology's errors."""
