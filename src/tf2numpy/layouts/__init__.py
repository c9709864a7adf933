"""What a format's reader and its sink must both know: names, types, places. None of these files reads or writes one."""
