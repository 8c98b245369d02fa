"""What a machine has to do so that the program can measure it."""


class Unsupported(Exception):
    """A kernel that this machine cannot run or that does not fit; the text says why."""


class Device:
    def describe(self):
        """{device, driver, library}: texts for the notes of the table."""
        raise NotImplementedError

    def launch_seconds(self):
        """Time of an empty kernel, taken like every other: the launch that all times contain."""
        raise NotImplementedError

    def memory_bytes(self):
        raise NotImplementedError

    def samples(self, kernel, count):
        """`count` times in seconds of one launch, after warming up. Raises Unsupported."""
        raise NotImplementedError

    def power(self, kernel, seconds):
        """Mean watts while the kernel runs back to back for `seconds`; None if not known. Called
        after samples() of the same kernel."""
        raise NotImplementedError


def open_device(name):
    """"cuda", "cuda:1" or "recorded:FILE"."""
    if name.startswith("recorded:"):
        from recorded_device import RecordedDevice
        return RecordedDevice(name[len("recorded:"):])
    from cuda_device import CudaDevice
    return CudaDevice(name)
