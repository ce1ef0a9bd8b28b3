package livekit

import (
	"os"
	"strconv"
	"syscall"
)

// receiveBuffer is what is asked for a socket's incoming packets: some seconds
// of a room. Linux gives 208 KiB where nobody asks, which six cameras fill in a
// tenth of a second, and no more than net.core.rmem_max to those who do.
const receiveBuffer = 4 << 20

// enlargeBuffers gives the process's UDP sockets room for what comes while it
// has to wait for a processor: what does not fit is lost. The SDK has no way to
// reach its sockets, so they are found as the system shows them; where it does
// not, they stay as they are.
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
		// Whatever else has this number by now is told apart by its type.
		typ, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
		if err != nil || typ != syscall.SOCK_DGRAM {
			continue
		}
		if size, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF); err == nil && size < receiveBuffer {
			_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, receiveBuffer)
		}
	}
}
