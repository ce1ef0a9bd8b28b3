package matrix

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/homeserver"
	"github.com/sealtape/sealtape/recorder/matrix/sealed"
)

var (
	// ErrRefused says that the homeserver does not take the password or the token.
	ErrRefused = errors.New("the homeserver refused the login")
	// ErrLoggedOut says that the homeserver does not know this device any more.
	ErrLoggedOut = errors.New("this device was logged out")
	// ErrLoggedIn says that there is a state already, whose device would be lost.
	ErrLoggedIn = errors.New("there is a device of this account here already")
)

// A Login says how to make a new device of an account.
type Login struct {
	User       string // @name:server
	Homeserver string // its URL; "" asks the server of User, by /.well-known/matrix/client
	DeviceName string // as other devices of the account show it; "" means Sealtape

	// One of the two. Password is only kept while logging in; Token is a login token
	// that the homeserver gave to a page after a single sign-on.
	Password []byte
	Token    []byte

	// RecoveryKey opens the cross-signing keys of an account that has them.
	RecoveryKey []byte

	// Browser, if not nil, shows the operator a page on which they confirm to the
	// homeserver that new cross-signing keys may be published. It need not wait until
	// they have: the homeserver is asked again, for ten minutes.
	Browser func(ctx context.Context, url string) error
}

// An Account is one device of a Matrix account, and the only process that uses it.
// Its methods may be called concurrently; Sync by one at a time.
type Account struct {
	client *mautrix.Client
	file   *sealed.File
	log    *slog.Logger
	// written, if set, is called when a state is on the disk. For tests.
	written func()

	mu       sync.Mutex
	state    *state
	unwedged map[id.Curve25519]time.Time
	asked    int // requests for devices so far
}

func newAccount(file *sealed.File, s *state, log *slog.Logger) (*Account, error) {
	client, err := homeserver.NewClient(s.Homeserver, s.User, s.Token)
	if err != nil {
		return nil, err
	}
	client.DeviceID = s.Device
	return &Account{client: client, file: file, log: log, state: s, unwedged: make(map[id.Curve25519]time.Time)}, nil
}

// New logs in and returns the account, and the recovery key of its cross-signing
// keys if it made them: to be shown to the operator once, and kept nowhere. If
// something fails after the login, the device is logged out again; a recovery key that
// comes with the error is what the account has from now on, and must be shown, too.
func (h Home) New(ctx context.Context, o Login, log *slog.Logger) (a *Account, recovery string, err error) {
	user := id.UserID(o.User)
	_, _, err = user.Parse()
	if err != nil {
		return nil, "", fmt.Errorf("%q is no Matrix user, as @name:server: %w", o.User, err)
	}
	file, err := h.folder().Hold(o.User)
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
			a = nil
		}
	}()
	if b, err := file.Load(); !errors.Is(err, sealed.ErrNoAccount) {
		clear(b)
		if err == nil {
			err = ErrLoggedIn
		}
		return nil, "", unreadable(err)
	}
	s, err := newState()
	if err != nil {
		return nil, "", err
	}
	s.User = user
	if s.Homeserver, err = homeserver.Find(ctx, o.User, o.Homeserver); err != nil {
		return nil, "", err
	}
	if a, err = newAccount(file, s, log); err != nil {
		return nil, "", err
	}
	if err := a.login(ctx, o); err != nil {
		return nil, "", err
	}
	a.track(a.state.User)
	if err = a.save(); err == nil {
		err = a.upload(ctx, 0)
	}
	if err == nil {
		recovery, err = a.crossSign(ctx, o)
	}
	if err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, logout := a.client.Logout(undo)
		return nil, recovery, errors.Join(err, logout, file.Remove())
	}
	return a, recovery, nil
}

func (a *Account) login(ctx context.Context, o Login) error {
	request := &mautrix.ReqLogin{Type: mautrix.AuthTypePassword, Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: o.User},
		Password: string(o.Password), InitialDeviceDisplayName: o.DeviceName, StoreCredentials: true}
	if len(o.Token) > 0 {
		request.Type, request.Password, request.Token, request.Identifier = mautrix.AuthTypeToken, "", string(o.Token), mautrix.UserIdentifier{}
	}
	if request.InitialDeviceDisplayName == "" {
		request.InitialDeviceDisplayName = "Sealtape"
	}
	resp, err := a.client.Login(ctx, request)
	if errors.Is(err, mautrix.MForbidden) {
		return ErrRefused
	}
	if err != nil {
		return fmt.Errorf("could not log in: %w", err)
	}
	if resp.UserID != a.state.User {
		_, err := a.client.Logout(ctx)
		return errors.Join(fmt.Errorf("%w: the login is of %s", ErrRefused, resp.UserID), err)
	}
	a.state.Device, a.state.Token = resp.DeviceID, resp.AccessToken
	return nil
}

// Open returns an account that was logged in before. Close gives it up.
func (h Home) Open(user string, log *slog.Logger) (*Account, error) {
	file, err := h.folder().Hold(user)
	if err != nil {
		return nil, err
	}
	s, err := load(file)
	if err == nil && s.User != id.UserID(user) {
		err = fmt.Errorf("%w: it is of another account", ErrState) // somebody renamed files
	}
	var a *Account
	if err == nil {
		a, err = newAccount(file, s, log)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return a, nil
}

// Close gives the account up for other processes. Nothing else of the account may
// be running. All that counts is on the disk already.
func (a *Account) Close() error {
	a.client.Client.CloseIdleConnections()
	return a.file.Close()
}

// Logout ends the device at the homeserver and deletes what is known of it here,
// also if the homeserver cannot be reached; then the error says so. Close is still
// to be called.
func (a *Account) Logout(ctx context.Context) error {
	_, err := a.client.Logout(ctx)
	if errors.Is(err, mautrix.MUnknownToken) {
		err = nil // it knew
	}
	if err != nil {
		err = fmt.Errorf("the homeserver was not told: %w", err)
	}
	return errors.Join(err, a.file.Remove())
}

// User returns the account's user, @name:server.
func (a *Account) User() id.UserID { return a.state.User }

// Device returns the ID of this device.
func (a *Account) Device() id.DeviceID { return a.state.Device }

// Keys returns the fingerprints that others compare: this device's signing key and
// the user's master key.
func (a *Account) Keys() (device, master id.Ed25519, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	device, _, err = a.state.account.IdentityKeys()
	if err != nil {
		return "", "", err
	}
	public, err := a.publicMaster()
	return device, public, err
}

// Standing returns what is known of the device that sent something, and its ID;
// "" and Unsigned if no such device of the sender is known.
func (a *Account) Standing(user id.UserID, identity id.Curve25519, signing id.Ed25519) (id.DeviceID, Standing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.state.Peers[user]
	if p == nil {
		return "", Unsigned
	}
	d := p.by(identity, signing)
	if d == nil {
		return "", Unsigned
	}
	return d.ID, p.standing(d)
}

// Master returns a user's master key, and the one that was seen first. They are ""
// for a user without cross-signing, or one who is not followed yet.
func (a *Account) Master(user id.UserID) (now, first id.Ed25519) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.state.Peers[user]; p != nil {
		return p.Master, p.First
	}
	return "", ""
}

// Follow asks for users' devices, and keeps up with them from now on.
func (a *Account) Follow(ctx context.Context, users ...id.UserID) error {
	a.mu.Lock()
	a.track(users...)
	a.mu.Unlock()
	return a.refresh(ctx)
}

// save writes the state. Called locked.
func (a *Account) save() error {
	b, err := a.state.marshal()
	if err != nil {
		return err
	}
	defer clear(b)
	if err := a.file.Save(b); err != nil {
		return err
	}
	if a.written != nil {
		a.written()
	}
	return nil
}

// load reads the state of a device.
func load(file *sealed.File) (*state, error) {
	b, err := file.Load()
	if err != nil {
		return nil, unreadable(err)
	}
	defer clear(b)
	return parseState(b)
}

// loggedOut makes ErrLoggedOut of what the homeserver says of an unknown token.
func loggedOut(err error) error {
	if e, ok := errors.AsType[mautrix.HTTPError](err); ok && e.IsStatus(http.StatusUnauthorized) && errors.Is(err, mautrix.MUnknownToken) {
		return ErrLoggedOut
	}
	return err
}
