package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// storeHelp is what the help of record and doctor says of a bucket.
const storeHelp = `A bucket's settings are NAME=VALUE with & in between, in quotes for the shell:
endpoint, region and profile (of the AWS shared files) where the environment has
others; style=host or path; class, such as STANDARD_IA; kms=KEY or default;
retain=90d, and lock=compliance where governance is not enough. Keys come from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the AWS shared files, a web identity,
or the role of the container or the instance.`

// openStore opens the store named by arg, a folder or s3://bucket/prefix. A
// folder that is missing is made only if create is set, so that a mistyped name
// is no empty archive.
func openStore(ctx context.Context, e *ui.Env, arg string, create bool) (archive.Store, error) {
	if arg == "" {
		return nil, ui.UsageError{Err: ui.Hinted(errors.New("which archive? --store is missing"),
			"a folder or s3://bucket/prefix; SEALTAPE_STORE sets it for all commands"), Command: "sealtape"}
	}
	if strings.HasPrefix(arg, "s3:") && !strings.HasPrefix(arg, "s3://") {
		return nil, ui.UsageError{Err: fmt.Errorf("--store: %s is no bucket, want s3://bucket/prefix", ui.Clean(arg)), Command: "sealtape"}
	}
	if scheme, rest, ok := strings.Cut(arg, "://"); ok {
		if scheme != "s3" {
			return nil, ui.UsageError{Err: fmt.Errorf("--store: %s:// is no kind of store, want s3://bucket/prefix or a folder", ui.Clean(scheme)), Command: "sealtape"}
		}
		return openS3(ctx, e, rest)
	}
	if archive.ValidID(filepath.Base(filepath.Clean(arg))) == nil {
		return nil, ui.UsageError{Err: ui.Hinted(fmt.Errorf("--store: %s is the folder of a recording", ui.Clean(arg)), "the store is the folder above it"), Command: "sealtape"}
	}
	open := dir.Open
	if create {
		open = dir.Create
	}
	s, err := open(arg)
	if err != nil {
		err = fmt.Errorf("opening the store: %w", err)
		if _, h := ui.Known(err); h.Why == "" {
			err = ui.Hinted(err, "a store is a folder that you can write to, or s3://bucket/prefix")
		}
		return nil, err
	}
	return s, nil
}

// storeID names the store of arg, which was opened, in the notes of the spool:
// without secrets, and the same from whatever folder and however it is spelt. How
// long it retains is a part of it: what is to be kept from everyone is not put
// where it is not.
func storeID(arg string) (string, error) {
	if location, ok := strings.CutPrefix(arg, "s3://"); ok {
		c, err := s3.Locate(location)
		if err != nil {
			return "", fmt.Errorf("opening the store: %w", err)
		}
		c.Endpoint, c.Prefix = strings.ToLower(strings.TrimRight(c.Endpoint, "/")), strings.Trim(c.Prefix, "/")
		return c.String(), nil
	}
	path, err := filepath.Abs(arg)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("opening the store: %w", err)
	}
	return path, nil
}

// A recordedFile lists what was recorded with this home, as lines of a time and
// an ID: IDs tell no time, and whoever records may not be a reader.
const recordedFile = "recorded"

// maxRecorded bounds that file when it is read: the newest lines count.
const maxRecorded = 1 << 20

// recorded remembers that the recording id started at the given time, for
// "last" to find it.
func recorded(h *keys.Home, id string, start time.Time) (err error) {
	f, err := os.OpenFile(filepath.Join(h.Dir(), recordedFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = fmt.Fprintf(f, "%s %s\n", start.UTC().Format(time.RFC3339Nano), id)
	return err
}

// recordedStarts returns the start of each recording made with this home. A
// damaged line is passed over: it costs a shorthand, nothing more.
func recordedStarts(h *keys.Home) (map[string]time.Time, error) {
	b, err := os.ReadFile(filepath.Join(h.Dir(), recordedFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	b = b[max(0, len(b)-maxRecorded):]
	starts := make(map[string]time.Time)
	for line := range bytes.Lines(b) {
		at, id, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if t, err := time.Parse(time.RFC3339Nano, at); err == nil && archive.ValidID(id) == nil {
			starts[id] = t
		}
	}
	return starts, nil
}

// An access is what commands that read recordings work with.
type access struct {
	env       *ui.Env
	home      *keys.Home
	store     archive.Store
	verifiers note.Verifiers // who may sign recordings
	granters  note.Verifiers // who may sign shares
	all       note.Verifiers // of all whose cards are pinned
	former    note.Verifiers // whose keys do not count any more: those of revoked
	heads     archive.HeadMemory
	people    map[string]string // verifier keys, and their names, to whom they are, for people
	self      []string          // one's own verifier keys, today's first, if one has keys
	revoked   map[string]bool   // names of keys that were revoked, or counted by one of those alone

	share string // the random part of a share's name, as it was given with the ID

	asked      bool
	identities []age.Identity
	keysErr    error
}

// openAccess opens the home and the store of this name.
func openAccess(ctx context.Context, e *ui.Env, store string, retry archive.RetryConfig) (*access, error) {
	s, err := openStore(ctx, e, store, false)
	if err != nil {
		return nil, err
	}
	return openAccessTo(e, archive.Retry(s, retry))
}

// openAccessTo opens the home of a command that has opened the store.
func openAccessTo(e *ui.Env, store archive.Store) (*access, error) {
	h, err := openHome(e)
	if err != nil {
		return nil, err
	}
	v, err := h.Recorders()
	if err != nil {
		return nil, err
	}
	all, err := h.Verifiers()
	if err != nil {
		return nil, err
	}
	a := &access{
		env: e, home: h, verifiers: v, heads: archive.HeadDir(h.HeadsDir()), people: make(map[string]string), revoked: make(map[string]bool),
		store: store,
	}
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	var former []note.Verifier
	for _, p := range pins {
		if p.Own {
			earlier, err := h.EarlierKeys()
			if err != nil {
				return nil, err
			}
			a.self = append([]string{p.Key}, earlier...)
		}
		who := fmt.Sprintf("%s (%s)", ui.Clean(p.Name), p.Fingerprint())
		if p.Revoked != nil {
			who = fmt.Sprintf("%s (%s, REVOKED on %s)", ui.Clean(p.Name), p.Fingerprint(), day(p.Revoked.Time))
			a.revoked[p.Verifier().Name()] = true
		} else if p.Doubted {
			who = fmt.Sprintf("%s (%s, NOT TRUSTED: the key that approved it was revoked or unpinned)", ui.Clean(p.Name), p.Fingerprint())
			a.revoked[p.Verifier().Name()] = true
		}
		a.people[p.Verifier().Name()], a.people[p.Key] = who, who
		if a.revoked[p.Verifier().Name()] {
			former = append(former, p.Verifier())
		}
	}
	// One that is not pinned any more was revoked all the same.
	revocations, err := h.Revocations()
	if err != nil {
		return nil, err
	}
	for _, r := range revocations {
		v := keys.Card{Key: r.Key}.Verifier()
		if _, pinned := a.people[v.Name()]; pinned {
			continue
		}
		who := fmt.Sprintf("%s (%s, REVOKED on %s)", ui.Clean(r.Name), r.Fingerprint(), day(r.Time))
		a.people[v.Name()], a.people[r.Key] = who, who
		a.revoked[v.Name()] = true
		former = append(former, v)
	}
	a.all, a.granters, a.former = all, trusted{all, a.revoked}, note.VerifierList(former...)
	return a, nil
}

// signers turns the names of keys into the names on their pinned cards.
func (a *access) signers(keyNames []string) []string {
	names := []string{}
	for _, n := range keyNames {
		names = append(names, a.signer(n).Who)
	}
	return names
}

// keys returns what opens recordings, and asks for the passphrase the first
// time it is called.
func (a *access) keys(ctx context.Context) ([]age.Identity, error) {
	if !a.asked {
		a.asked = true
		id, err := loadIdentity(ctx, a.env, a.home)
		if err != nil {
			a.keysErr = err
		} else {
			a.identities = id.AgeIdentities()
		}
	}
	return a.identities, a.keysErr
}

// memberSigned says by which members a recording is signed that no recorder has
// signed, "" if that is nobody whose card is pinned.
func (a *access) memberSigned(ctx context.Context, id string) string {
	rec, err := archive.Open(ctx, a.store, id, archive.Options{Verifiers: a.all})
	if err != nil {
		return ""
	}
	return "that is " + strings.Join(a.signers(rec.Signers()), ", ") + ", whose card is pinned as a member's"
}

// resolve turns what was typed for an ID into one: the ID, an unambiguous
// prefix, or "last". Behind a slash may be what sealtape share printed: a grant, which
// must be there then, and whole.
//
// The last recording is the one with the latest start. The store does not know
// it: IDs are random and an upload can be later than a meeting. It is known of
// what was recorded with this home, and of what a key of one's own opens; what
// is neither cannot be last. A store with one recording needs no key.
func (a *access) resolve(ctx context.Context, arg string) (string, error) {
	if arg != "last" {
		arg, share, named := strings.Cut(arg, "/")
		if a.share = strings.ToUpper(share); named && archive.ValidID(a.share) != nil {
			return "", fmt.Errorf("%w: behind the slash of an ID comes what sealtape share printed there", archive.ErrNotFound)
		}
		id, err := archive.FindID(ctx, a.store, arg)
		if errors.Is(err, archive.ErrNotFound) {
			return "", fmt.Errorf("%w: %q", archive.ErrNotFound, arg)
		}
		if err == nil && named {
			err = badGrant(archive.CheckShare(ctx, a.store, id, a.share))
		}
		return id, err
	}
	var ids []string
	for id, err := range archive.IDs(ctx, a.store) {
		if err != nil {
			return "", err
		}
		ids = append(ids, id)
	}
	switch len(ids) {
	case 0:
		return "", ui.Hinted(fmt.Errorf("%w: the store is empty", archive.ErrNotFound), "check --store; sealtape record makes recordings")
	case 1:
		return ids[0], nil
	}
	starts, err := recordedStarts(a.home)
	if err != nil {
		return "", err
	}
	var last string
	var lastStart time.Time
	unknown := 0
	for _, id := range ids {
		start, ok := starts[id]
		if !ok {
			identities, err := a.keys(ctx)
			if err != nil && !errors.Is(err, keys.ErrNoIdentity) {
				return "", err
			}
			if start, ok = a.start(ctx, id, identities); !ok {
				if ctx.Err() != nil {
					return "", ctx.Err()
				}
				unknown++
				continue
			}
		}
		if last == "" || start.After(lastStart) {
			last, lastStart = id, start
		}
	}
	if last == "" {
		return "", ui.ExitWith(ui.ExitNoKey, ui.Hinted(errors.New("which recording is last is not known: no key of yours opens any"),
			"give the ID", "sealtape list"))
	}
	if unknown > 0 {
		a.env.Notef("sealtape: last is %s; of %s the start is not known", last, ui.Count(unknown, "recording"))
	}
	return last, nil
}
