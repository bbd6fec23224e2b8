"""`portcullis sessions`: whose sessions there are, and how much of each limit is used."""
