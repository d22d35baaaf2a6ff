"""What the functions on frames are made of: frames of any library, columns, time, groups."""
