package matrix

import (
	"crypto/rand"
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
