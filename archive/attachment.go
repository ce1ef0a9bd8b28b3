package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
)

const (
	attachmentOrigin = "sealtape.v1/attachment"

	// MaxAttachment is the most bytes an attachment can have, sealed, and MaxAttached
	// the most bytes of the file in it.
	MaxAttachment = 16 << 20
	MaxAttached   = 14 << 20

	maxAttachments     = 256 // of a recording that are read
	maxAttachmentBytes = 256 << 20
	maxAttachedEpochs  = 512      // of one attachment
	maxAttachmentNote  = 16 << 10 // bytes of its note
	maxAttachedName    = 200      // bytes of a file's name
)

var (
	// ErrNoAttachment reports that the store has no attachment of the given name.
	ErrNoAttachment = errors.New("there is no such attachment in the store")
	// ErrRevokedAuthor reports that the key that signed an attachment no longer counts.
	ErrRevokedAuthor = errors.New("attached by a key that does not count any more")
	// ErrNotAuthor reports that somebody else made an attachment.
	ErrNotAuthor = errors.New("somebody else attached it")
)

// An AttachmentKind says what an attachment is of its recording.
type AttachmentKind string

const (
	Transcript AttachmentKind = "transcript" // what was said
	Minutes    AttachmentKind = "minutes"    // what somebody wrote about it
	File       AttachmentKind = "file"       // anything else
	removal    AttachmentKind = "removal"    // takes back another; its file is the other's name
)

// An Attachment is a file that a reader added to a recording. It is not in the log: it
// is its author's word, and not the recorder's.
type Attachment struct {
	Name   string         // relative to the recording's folder: "attachments/HASH.age"
	By     string         // the name of the verifier of its author
	Kind   AttachmentKind // of the constants
	File   string         // the name of the file: one line, no path
	Time   time.Time      // when, by the clock of its author: UTC, whole seconds
	Epochs []int          // whose readers can open it, rising
	Size   int64          // of the file, in bytes

	// Err is why the attachment does not count. It wraps ErrForeignSigner if none of
	// Options.Granters signed it, ErrRevokedAuthor if one of Options.Revoked did, and is
	// a *CorruptError if it is damaged. Nil means that it is from By.
	Err error
}

// An AttachConfig says what is attached, and by whom.
type AttachConfig struct {
	// Signer signs for its author. Required.
	Signer note.Signer
	// Kind, File and Data are what is attached. Data has at most MaxAttached bytes.
	Kind AttachmentKind
	File string
	Data []byte
	// Epochs are those that it is about, at most 512. Whoever can open one of them
	// can read all of it. None means all that the identities open.
	Epochs []int
	// Time is when it is attached. Zero means now.
	Time time.Time
}

// Attach adds a file to the recording, sealed to the epochs that it is about: whoever can
// open one of them can open it, now and later. It adds one object to the recording's
// folder and changes none.
//
// The error wraps ErrNoKey if no identity opens an epoch that was asked for, or opens
// any at all.
func (r *Recording) Attach(ctx context.Context, c AttachConfig) (Attachment, error) {
	if c.Kind == removal {
		return Attachment{}, errors.New("a removal is made by RemoveAttachment")
	}
	a, err := r.attach(ctx, c)
	if err != nil {
		return Attachment{}, fmt.Errorf("attaching to recording %s: %w", r.head.ID, err)
	}
	return a, nil
}

func (r *Recording) attach(ctx context.Context, c AttachConfig) (Attachment, error) {
	if c.Signer == nil {
		return Attachment{}, errors.New("no signer")
	}
	if len(c.Data) > MaxAttached {
		return Attachment{}, fmt.Errorf("%w: %d bytes, more than %d", ErrTooLarge, len(c.Data), MaxAttached)
	}
	if c.Time.IsZero() {
		c.Time = time.Now()
	}
	n := attachmentNote{id: r.head.ID, kind: c.Kind, file: c.File, time: c.Time.UTC().Truncate(time.Second), size: int64(len(c.Data)), sum: sha256.Sum256(c.Data)}
	asked := slices.Clone(c.Epochs)
	if len(asked) == 0 {
		for _, e := range r.epochs {
			asked = append(asked, e.Number)
		}
	}
	slices.Sort(asked)
	var to []age.Recipient
	for _, number := range slices.Compact(asked) {
		secret, err := r.secret(ctx, number)
		if errors.Is(err, ErrNoKey) && len(c.Epochs) == 0 {
			continue
		} else if err != nil {
			return Attachment{}, err
		}
		n.epochs = append(n.epochs, number)
		to = append(to, secret.Recipient())
	}
	if len(n.epochs) == 0 {
		return Attachment{}, fmt.Errorf("no epoch to attach it to: %w", ErrNoKey)
	}
	// What our own parser refuses is not written.
	if _, err := parseAttachment(n.String(), r.head.ID); err != nil {
		return Attachment{}, err
	}
	msg, err := note.Sign(&note.Note{Text: n.String()}, c.Signer)
	if err != nil {
		return Attachment{}, fmt.Errorf("could not sign the attachment: %w", err)
	}
	plain := append(msg, c.Data...)
	plain = append(plain, make([]byte, padme(len(plain))-len(plain))...)
	if to, err = pad(to, false); err != nil {
		return Attachment{}, err
	}
	sealed, err := encrypt(string(plain), to)
	if err != nil {
		return Attachment{}, err
	}
	a := n.attachment(nameBeside(attachmentsFolder, sealed))
	a.By = c.Signer.Name()
	if err := r.store.Put(ctx, r.head.ID+"/"+a.Name, BytesBlob(sealed)); err != nil {
		return Attachment{}, fmt.Errorf("could not put %s: %w", a.Name, err)
	}
	return a, nil
}

// RemoveAttachment takes back an attachment that the signer's key made. It adds an
// object that says so, since a store may keep what it has, or get it again from a copy;
// then it removes the attachment from the store. kept is why the store did not remove it;
// it is taken back all the same. The error wraps ErrNoAttachment or ErrNotAuthor.
func (r *Recording) RemoveAttachment(ctx context.Context, signer note.Signer, name string) (kept, err error) {
	o, err := r.readAttachment(ctx, name)
	if err == nil && (o.Err != nil || o.by.Name != signer.Name() || o.by.Hash != signer.KeyHash()) {
		err = ErrNotAuthor
	}
	if err == nil {
		_, err = r.attach(ctx, AttachConfig{Signer: signer, Kind: removal, File: strings.TrimSuffix(strings.TrimPrefix(name, attachmentsFolder), ageSuffix), Epochs: o.Epochs})
	}
	if err != nil {
		return nil, fmt.Errorf("removing %s of recording %s: %w", name, r.head.ID, err)
	}
	return r.store.Purge(ctx, r.head.ID+"/"+name), nil
}

// An attachmentNote is the text of an attachment.
type attachmentNote struct {
	id     string
	kind   AttachmentKind
	file   string
	time   time.Time
	epochs []int // rising
	size   int64
	sum    [sha256.Size]byte
}

// String returns the text that is signed.
func (n attachmentNote) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nrecording: %s\nkind: %s\nfile: %s\ntime: %s\nepochs:", attachmentOrigin, n.id, n.kind, n.file, n.time.Format(time.RFC3339))
	for _, e := range n.epochs {
		fmt.Fprintf(&b, " %d", e)
	}
	fmt.Fprintf(&b, "\nsize: %d\nsha256: %x\n", n.size, n.sum)
	return b.String()
}

func (n attachmentNote) attachment(name string) Attachment {
	return Attachment{Name: name, Kind: n.kind, File: n.file, Time: n.time, Epochs: n.epochs, Size: n.size}
}

// parseAttachment parses the text of an attachment of the recording id, without
// signatures. It accepts exactly what String returns.
func parseAttachment(text, id string) (n attachmentNote, err error) {
	malformed := func(what string) (attachmentNote, error) {
		return attachmentNote{}, errors.New("malformed attachment: " + what)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 9 || lines[8] != "" {
		return malformed("not of eight lines")
	}
	if lines[0] != attachmentOrigin {
		return malformed("not of format " + attachmentOrigin)
	}
	var value [7]string
	for i, key := range []string{"recording: ", "kind: ", "file: ", "time: ", "epochs: ", "size: ", "sha256: "} {
		var ok bool
		if value[i], ok = strings.CutPrefix(lines[i+1], key); !ok {
			return malformed(key + "is missing")
		}
	}
	if n.id = value[0]; n.id != id {
		return malformed("it is of another recording")
	}
	if n.kind = AttachmentKind(value[1]); !slices.Contains([]AttachmentKind{Transcript, Minutes, File, removal}, n.kind) {
		return malformed("kind line")
	}
	if n.file = value[2]; !ValidAttachedName(n.file) {
		return malformed("file line")
	}
	if n.kind == removal && ValidID(n.file) != nil {
		return malformed("it removes nothing")
	}
	t, err := time.Parse(time.RFC3339, value[3])
	if err != nil {
		return malformed("time line")
	}
	n.time = t.UTC()
	for number := range strings.SplitSeq(value[4], " ") {
		e, err := strconv.Atoi(number)
		if err != nil || e < 1 || e > maxNumber || len(n.epochs) == maxAttachedEpochs || len(n.epochs) > 0 && e <= n.epochs[len(n.epochs)-1] {
			return malformed("epochs line")
		}
		n.epochs = append(n.epochs, e)
	}
	if n.size, err = strconv.ParseInt(value[5], 10, 64); err != nil || n.size < 0 || n.size > MaxAttached {
		return malformed("size line")
	}
	sum, err := hex.DecodeString(value[6])
	if err != nil || len(sum) != sha256.Size {
		return malformed("sha256 line")
	}
	n.sum = [sha256.Size]byte(sum)
	if n.String() != text {
		return malformed("not in canonical form")
	}
	return n, nil
}

// ValidAttachedName reports whether the file of an attachment can have this name: one line of
// at most 200 bytes, without a path, and without what does anything but be read.
func ValidAttachedName(name string) bool {
	if name == "" || len(name) > maxAttachedName || !utf8.ValidString(name) || name == "." || name == ".." || strings.TrimSpace(name) != name {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || r == '/' || r == '\\' })
}

// padme returns the Padmé size of n bytes: at most 12 % more, so that a size reveals less.
func padme(n int) int {
	if n < 2 {
		return n
	}
	e := bits.Len(uint(n)) - 1
	s := bits.Len(uint(e))
	mask := 1<<(e-s) - 1
	return (n + mask) &^ mask
}
