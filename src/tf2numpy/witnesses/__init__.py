"""What `verify=True` reads outputs back by: each format's own library, one file each. No reader of ours may enter."""
