package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
)

// An elsewhere holds the keys of a reader, as another process would.
type elsewhere struct {
	id age.Identity

	mu     sync.Mutex
	epochs []int
	shares int
	err    error // instead of an answer
}

func (e *elsewhere) unseal(sealed []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), e.id)
	if err != nil {
		return nil, archive.ErrNoKey
	}
	return io.ReadAll(r)
}

func (e *elsewhere) OpenEpoch(_ context.Context, _ string, epoch int, files [][]byte) (*age.HybridIdentity, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.epochs = append(e.epochs, epoch)
	if e.err != nil {
		return nil, e.err
	}
	for _, file := range files {
		if text, err := e.unseal(file); err == nil {
			return age.ParseHybridIdentity(strings.TrimSpace(string(text)))
		}
	}
	return nil, archive.ErrNoKey
}

func (e *elsewhere) OpenShare(_ context.Context, _ string, sealed []byte) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.shares++
	return e.unseal(sealed)
}

// TestOpener: a reader without keys at hand reads what keys elsewhere open, by an
// epoch's files and by a share, and each epoch is asked for once.
func TestOpener(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, false)
	m.share(t, m.ada, m.carol, 3)
	for name, c := range map[string]struct {
		by    person
		opens [3]bool
	}{
		"ada":   {m.ada, [3]bool{true, true, true}},
		"bob":   {m.bob, [3]bool{1: true}},
		"carol": {m.carol, [3]bool{2: true}},
		"eve":   {newPerson(t, "eve"), [3]bool{}},
	} {
		keys := &elsewhere{id: c.by.id}
		r := m.openWith(t, archive.Options{Opener: keys, Self: []string{c.by.key}})
		for range 2 {
			for n, opens := range c.opens {
				got, err := r.ReadSegment(t.Context(), n)
				if opens && (err != nil || string(got) != m.plain[n]) || !opens && !errors.Is(err, archive.ErrNoKey) {
					t.Errorf("%s: segment %d: %q, %v", name, n, got, err)
				}
			}
		}
		if len(keys.epochs) != 3 {
			t.Errorf("%s: epochs %v were asked for", name, keys.epochs)
		}
	}
	// What a key at hand opens, nobody else is asked for.
	keys := &elsewhere{id: m.ada.id}
	r := m.openWith(t, archive.Options{Opener: keys, Identities: []age.Identity{m.bob.id}})
	for n := range m.plain {
		if got, err := r.ReadSegment(t.Context(), n); err != nil || string(got) != m.plain[n] {
			t.Errorf("segment %d: %q, %v", n, got, err)
		}
	}
	if len(keys.epochs) != 2 || keys.shares > 0 {
		t.Errorf("epochs %v and %d shares were asked for", keys.epochs, keys.shares)
	}
}

// openWith opens the recording with what others signed, too.
func (m *meeting) openWith(t *testing.T, o archive.Options) *archive.Recording {
	t.Helper()
	o.Verifiers = m.open(t, m.ada).Verifiers()
	r, err := archive.Open(t.Context(), m.store, m.id, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestOpenerFails: an Opener that fails is asked again, and one that fails for good is
// not believed to have no key.
func TestOpenerFails(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, false)
	keys := &elsewhere{id: m.ada.id, err: errors.New("the reader did not answer")}
	r := m.openWith(t, archive.Options{Opener: keys})
	for range 2 {
		if _, err := r.ReadSegment(t.Context(), 0); !errors.Is(err, keys.err) || errors.Is(err, archive.ErrNoKey) {
			t.Errorf("it got %v", err)
		}
	}
	keys.err = nil
	if got, err := r.ReadSegment(t.Context(), 0); err != nil || string(got) != m.plain[0] {
		t.Errorf("then: %q, %v", got, err)
	}
}

// TestOpenerGetsSoundFiles: no keys elsewhere are tried on a file that mixes kinds of
// readers, or is none.
func TestOpenerGetsSoundFiles(t *testing.T) {
	t.Parallel()
	s, pq, x, secret := newSigner(t, "recorder"), hybrid(t), classic(t), hybrid(t)
	line := secret.String() + "\n"
	for name, file := range map[string]string{
		"mixed":       encrypt(t, line, unlabelled{pq.Recipient()}, x.Recipient()),
		"classic":     encrypt(t, line, x.Recipient()),
		"no age file": line,
	} {
		keys := &elsewhere{id: pq}
		store, id := forge(t, s, [2]string{"epochs/000001.age", file}, [2]string{"segments/000000.age", encrypt(t, "media", secret.Recipient())})
		r, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: s.verifiers, Opener: keys})
		if err != nil {
			t.Fatal(err)
		}
		var corrupt *archive.CorruptError
		if got, err := r.ReadSegment(t.Context(), 0); got != nil || err == nil || len(keys.epochs) > 0 || name != "no age file" && !errors.As(err, &corrupt) {
			t.Errorf("%s: %q, %v; %d were asked for", name, got, err, len(keys.epochs))
		}
	}
}
