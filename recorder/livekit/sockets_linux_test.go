package livekit

import (
	"net"
	"syscall"
	"testing"
)

// A socket that was made small is larger after, as far as the system allows.
func TestEnlargeBuffers(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadBuffer(8 << 10); err != nil {
		t.Fatal(err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	size := func() (n int) {
		cerr := raw.Control(func(fd uintptr) { n, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF) })
		if cerr != nil || err != nil {
			t.Fatal(cerr, err)
		}
		return n
	}
	before := size()
	enlargeBuffers()
	if after := size(); after <= before {
		t.Errorf("%d bytes, %d before", after, before)
	}
}
