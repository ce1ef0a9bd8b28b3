package livekit

import (
	"os"
	"strconv"
	"syscall"
)

// receiveBuffer is the buffer size that we ask for incoming packets: some seconds
// of a room. The default of Linux is 208 KiB, which six cameras fill in a tenth
// of a second; the limit is net.core.rmem_max.
const receiveBuffer = 4 << 20

// enlargeBuffers enlarges the receive buffers of the process's UDP sockets, for
// packets that come while the process waits for a processor: packets that do not
// fit are lost. The SDK gives no access to its sockets, so they are found through
// the system. If that fails, they stay as they are.
func enlargeBuffers() {
	const folder = "/proc/self/fd"
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// Another file may have this number by now: its type shows it.
		typ, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
		if err != nil || typ != syscall.SOCK_DGRAM {
			continue
		}
		if size, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF); err == nil && size < receiveBuffer {
			_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, receiveBuffer)
		}
	}
}
