package members

import (
	"sync"

	"github.com/livekit/server-sdk-go/v2/e2ee"

	"github.com/sealtape/sealtape/recorder/frame"
)

// derived is what follows from a passphrase, twice: by our code and by that of the SDK.
// Each takes some tens of milliseconds, so that all members with the passphrase share it.
// Nobody changes it.
type derived struct {
	media *frame.Keyring
	data  *e2ee.ExternalKeyProvider
}

var byPassphrase sync.Map // of func() (derived, error)

// derive returns what follows from a passphrase. Goroutines may call it at the same time.
func derive(passphrase string) (derived, error) {
	f, _ := byPassphrase.LoadOrStore(passphrase, sync.OnceValues(func() (d derived, err error) {
		d.media = frame.NewKeyring(0, frame.KeyOptions{})
		if err := d.media.SetPassphrase(0, []byte(passphrase)); err != nil {
			return derived{}, err
		}
		d.data = e2ee.NewExternalKeyProvider()
		return d, d.data.SetKeyFromPassphrase(passphrase, 0)
	}))
	return f.(func() (derived, error))()
}
