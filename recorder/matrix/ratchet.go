package matrix

import (
	"crypto/rand"
	"fmt"
	"sync"

	"maunium.net/go/mautrix/crypto/goolm"

	"github.com/sealtape/sealtape/internal/fault"
)

// ratchets chooses the ratchets that are written in Go, whatever the build tags
// and cgo say. They are functions in variables of mautrix's package olm.
var ratchets = sync.OnceFunc(goolm.Register)

// contain calls f, which works on what others sent, and makes an error of a panic.
func contain(f func()) error { return fault.Contain(f) }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// uuid returns a random UUID (RFC 9562, version 4).
func uuid() string {
	b := random(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
