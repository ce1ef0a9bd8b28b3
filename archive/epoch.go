package archive

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
)

const (
	// MaxReaders is the most readers an epoch can have, counted in keys. One
	// person may have several.
	MaxReaders = maxEpochFiles * fileReaders

	// fileReaders is the most readers an epoch file can have. age reads no header of
	// more than 1,024 stanzas.
	fileReaders   = 512
	maxLateKeys   = 64      // of a reader who is admitted or shared with
	maxEpochFiles = 8       // files of one kind in an epoch
	maxLateFiles  = 4096    // files of an epoch for late readers
	minStanzas    = 8       // readers are padded to this, or twice it, and so on
	maxEpoch      = 4 << 20 // bytes of a file: more than age reads of a header
)

var (
	// ErrNoReaders is returned by [Writer.StartEpoch] for an epoch that nobody
	// could read.
	ErrNoReaders = errors.New("no readers")

	// ErrNoKey says that none of the identities opens an epoch.
	ErrNoKey = errors.New("none of the identities opens it")
)

// A sealedEpoch is the secret of an epoch in the files that are sealed to its
// readers, with both halves of the key pair. Most callers store the public half
// only.
type sealedEpoch struct {
	recipient *age.HybridRecipient
	secret    *age.HybridIdentity // stored only with Config.KeepSecret
	files     []epochFile         // in the order of the log
}

// An epochFile is an age file to at most fileReaders of an epoch's readers.
type epochFile struct {
	classic bool
	part    int // see logged
	data    []byte
}

func (e *sealedEpoch) classic() bool {
	return slices.ContainsFunc(e.files, func(f epochFile) bool { return f.classic })
}

// sealEpoch makes the secret of an epoch and seals it to readers. Once the caller
// drops the secret, only a key of a reader gives it back.
func sealEpoch(readers []age.Recipient) (*sealedEpoch, error) {
	hybrid, classic, err := splitReaders(readers)
	if err != nil {
		return nil, err
	}
	secret, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, err
	}
	e := &sealedEpoch{recipient: secret.Recipient(), secret: secret}
	if err := e.seal(hybrid, false); err != nil {
		return nil, err
	}
	if err := e.seal(classic, true); err != nil {
		return nil, err
	}
	return e, nil
}

// seal adds the files for the readers of one kind: post-quantum or classic.
func (e *sealedEpoch) seal(readers []age.Recipient, classic bool) error {
	n := 0
	for some := range slices.Chunk(readers, fileReaders) {
		n++
		all, err := pad(some, classic)
		if err != nil {
			return err
		}
		data, err := encrypt(e.secret.String()+"\n", all)
		if err != nil {
			return err
		}
		f := epochFile{classic: classic, data: data}
		if n > 1 {
			f.part = n
		}
		e.files = append(e.files, f)
	}
	return nil
}

// padded returns how many stanzas n readers get: 8, 16, 32, and so on.
func padded(n int) int {
	size := minStanzas
	for size < n {
		size *= 2
	}
	return size
}

// pad returns the recipients, and with them recipients whose keys nobody has, up
// to the number that padded returns.
func pad(recipients []age.Recipient, classic bool) ([]age.Recipient, error) {
	all := slices.Clone(recipients)
	for n := len(all); n < padded(len(recipients)); n++ {
		nobody, err := throwaway(classic)
		if err != nil {
			return nil, err
		}
		all = append(all, nobody)
	}
	return all, nil
}

// throwaway returns a recipient whose identity nobody has.
func throwaway(classic bool) (age.Recipient, error) {
	if classic {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		return id.Recipient(), nil
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, err
	}
	return id.Recipient(), nil
}

// sealLate seals text to post-quantum keys and refuses others: a classic key
// would let a quantum computer open what was sealed to post-quantum keys only.
func sealLate(text string, recipients []age.Recipient) ([]byte, error) {
	if len(recipients) == 0 {
		return nil, ErrNoReaders
	}
	if len(recipients) > maxLateKeys {
		return nil, fmt.Errorf("%d keys, more than %d", len(recipients), maxLateKeys)
	}
	for i, to := range recipients {
		pq, err := isPostQuantum(to)
		if err == nil && !pq {
			err = ErrClassic
		}
		if err != nil {
			return nil, fmt.Errorf("key %d of %d: %w", i+1, len(recipients), err)
		}
	}
	all, err := pad(recipients, false)
	if err != nil {
		return nil, err
	}
	return encrypt(text, all)
}

func encrypt(text string, recipients []age.Recipient) ([]byte, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipients...)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// splitReaders sorts readers into those whose keys are post-quantum and the
// others. age refuses a mix when it writes, but the format allows one; so we hold
// the rule here, and again in reading.
func splitReaders(readers []age.Recipient) (hybrid, classic []age.Recipient, err error) {
	if len(readers) == 0 {
		return nil, nil, ErrNoReaders
	}
	if len(readers) > MaxReaders {
		return nil, nil, fmt.Errorf("%d readers, more than %d", len(readers), MaxReaders)
	}
	for i, r := range readers {
		pq, err := isPostQuantum(r)
		if err != nil {
			return nil, nil, fmt.Errorf("reader %d of %d: %w", i+1, len(readers), err)
		}
		if pq {
			hybrid = append(hybrid, r)
		} else {
			classic = append(classic, r)
		}
	}
	return hybrid, classic, nil
}

// isPostQuantum reports whether r is post-quantum. age decides it by the labels
// that a recipient returns when it wraps a file key, so isPostQuantum has r wrap
// a key that opens nothing.
func isPostQuantum(r age.Recipient) (bool, error) {
	switch r.(type) {
	case nil:
		return false, errors.New("is nil")
	case *age.HybridRecipient:
		return true, nil
	case *age.X25519Recipient:
		return false, nil
	}
	key := make([]byte, 16)
	rand.Read(key)
	var stanzas []*age.Stanza
	var labels []string
	var err error
	if l, ok := r.(age.RecipientWithLabels); ok {
		stanzas, labels, err = l.WrapWithLabels(key)
	} else {
		stanzas, err = r.Wrap(key)
	}
	if err != nil {
		return false, err
	}
	// One reader, one stanza: else the padding would not hide how many there are.
	if len(stanzas) != 1 {
		return false, fmt.Errorf("its key makes %d stanzas instead of one", len(stanzas))
	}
	pq := slices.Equal(labels, []string{"postquantum"})
	if len(labels) > 0 && !pq {
		return false, errors.New("keys of its kind cannot be used together with others")
	}
	if err := checkStanzas(stanzas, !pq); err != nil {
		return false, err
	}
	return pq, nil
}

// postQuantum are the types of the stanzas that withstand a quantum computer.
var postQuantum = []string{"mlkem768x25519", "mlkem768p256tag"}

// checkStanzas returns an error if a stanza does not belong in an epoch file of
// this kind: classic, or post-quantum.
func checkStanzas(stanzas []*age.Stanza, classic bool) error {
	for _, s := range stanzas {
		if slices.Contains(postQuantum, s.Type) == classic {
			return fmt.Errorf("a stanza of type %.40q, which %s must not have", s.Type,
				map[bool]string{true: "the file for classic keys", false: "the file for post-quantum keys"}[classic])
		}
	}
	return nil
}

// A guarded holds the identities of a reader. It offers them only to epoch files
// that do not mix classic and post-quantum stanzas.
type guarded struct {
	classic bool
	ids     []age.Identity
	mixed   error // set by Unwrap
}

func (g *guarded) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if g.mixed = checkStanzas(stanzas, g.classic); g.mixed != nil {
		return nil, g.mixed
	}
	for _, id := range g.ids {
		key, err := id.Unwrap(stanzas)
		if !errors.Is(err, age.ErrIncorrectIdentity) {
			return key, err
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// openEpoch returns the secret in an epoch file. The error wraps ErrNoKey if no
// identity opens it, and is a *CorruptError if no key could.
func openEpoch(name string, sealed []byte, ids []age.Identity) (*age.HybridIdentity, error) {
	l, _ := parseName(name)
	g := &guarded{classic: l.classic, ids: ids}
	r, err := age.Decrypt(bytes.NewReader(sealed), g)
	var noMatch *age.NoIdentityMatchError
	switch {
	case g.mixed != nil:
		return nil, &CorruptError{Name: name, Err: g.mixed}
	case errors.As(err, &noMatch):
		return nil, fmt.Errorf("%s: %w", name, ErrNoKey)
	case err != nil:
		return nil, fmt.Errorf("could not open %s: %w", name, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, 1<<10))
	if err != nil {
		return nil, &CorruptError{Name: name, Err: err}
	}
	line, ok := strings.CutSuffix(string(text), "\n")
	secret, err := age.ParseHybridIdentity(line)
	if !ok || err != nil {
		// Not the parser's words: they could have a part of a secret in them.
		return nil, &CorruptError{Name: name, Err: errors.New("holds no epoch secret")}
	}
	return secret, nil
}
