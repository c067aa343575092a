"""Whether two arrays hold the same values, and how many chunks there are to look at."""
import math

import numpy as np

# Most chunks of an array that is compared whole: readers take up to a millisecond for each, also for one that is missing.
MOST_CHUNKS = 20_000


def chunk_counts(shape, chunks):
    """How many chunks an array has along each dimension, missing ones among them."""
    return [-(-size // max(chunk, 1)) for size, chunk in zip(shape, chunks)]


def chunk_count(shape, chunks):
    return math.prod(chunk_counts(shape, chunks))


def text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)


def is_text(array):
    return array.dtype.kind in "OSUT"


def same_values(ours, truth, exact=True):
    """None, or how the arrays differ. Unless `exact`, floats may be of another width: JSON has no float32,
    so that xarray unpacks to float64 what it unpacks to float32 from the file."""
    ours, truth = np.asarray(ours), np.asarray(truth)
    if ours.shape != truth.shape:
        return f"shape {ours.shape} instead of {truth.shape}"
    if is_text(ours) or is_text(truth):
        a, b = ([text(v).rstrip("\0 ") for v in x.ravel()] for x in (ours, truth))
        return None if is_text(ours) and is_text(truth) and a == b else f"text {a[:3]} instead of {b[:3]}"
    if truth.dtype.names:
        members = dict(columns("", truth))
        ours_names = [n for n in ours.dtype.names or () if n in members]
        if ours_names != list(members):
            return f"members {ours.dtype.names} instead of {list(members)}"
        return next((f"{n}: {why}" for n in ours_names if (why := same_values(ours[n], members[n]))), None)
    if ours.dtype.kind != truth.dtype.kind:
        return f"dtype {ours.dtype} instead of {truth.dtype}"
    if truth.dtype.kind == "V":
        return None if ours.tobytes() == truth.tobytes() else "bytes differ"
    if truth.dtype.kind in "fc" and not exact and ours.dtype != truth.dtype:
        same = np.allclose(ours, truth, rtol=2e-6, atol=0, equal_nan=True)
    elif ours.dtype.newbyteorder("=") != truth.dtype.newbyteorder("="):
        return f"dtype {ours.dtype} instead of {truth.dtype}"
    else:
        same = np.array_equal(ours, truth, equal_nan=truth.dtype.kind in "fcmM")
    if same:
        return None
    return f"values {ours.ravel()[:4]}.. instead of {truth.ravel()[:4]}.."


def columns(name, array):
    """The members of a structured array in the order in which they lie, those of its parts one by one: readers know flat types only."""
    if not array.dtype.names:
        yield name, array
        return
    for member in sorted(array.dtype.names, key=lambda member: array.dtype.fields[member][1]):
        inner = f"{name}.{member}" if name else member
        positions = array.dtype[member].shape
        for at in np.ndindex(*positions):
            part = array[member][(Ellipsis, *at)] if positions else array[member]
            yield from columns(".".join([inner, *map(str, at)]), np.asarray(part))
