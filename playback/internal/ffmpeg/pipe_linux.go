package ffmpeg

import (
	"os"

	"golang.org/x/sys/unix"
)

// widePipe is the most that the kernel gives to a pipe of an ordinary user.
const widePipe = 1 << 20

// widen lets a pipe hold some pictures, so that the processes at its ends take turns
// less often.
func widen(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	// A pipe that stays narrow works, too.
	_ = conn.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, widePipe) })
}
