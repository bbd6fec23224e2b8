"""What a function does when it goes on from a snapshot (Lambda SnapStart), perhaps days later.

Every value that is kept in memory has its age by the wall clock, so what is old is loaded anew
without this. But a change is to be in force within a stated time, and that time runs outside
the snapshot: after a restore nothing is used that was loaded before it. Nothing else has to
be mended: ids and keys come from the system's own randomness, no handler connects to anything
while it is loaded, and instants are read when they are needed.

Source: Lambda developer guide, "Implement code before or after Lambda function snapshots".
"""

from portcullis.adapters.refreshing import forget_everything


def forget_after_restore() -> None:
    """Register for restores, where the runtime has them; elsewhere there are none."""
    try:
        from snapshot_restore_py import register_after_restore  # noqa: PLC0415 - the runtime's own
    except ImportError:
        return
    register_after_restore(forget_everything)
