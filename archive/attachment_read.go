package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"
)

// Attachments are what readers attached to a recording, as far as the identities open it.
type Attachments struct {
	// All are sorted by time and name: those that count, and those that do not.
	All []Attachment
	// Locked are the names of objects in the place of attachments that no identity
	// opens: attachments for the readers of other epochs, or anything else that
	// somebody put there.
	Locked []string
	// More reports that there are more than the first 256 by name, or than 256 MiB,
	// which were not looked at; or that the store does not say which there are.
	More bool
}

// Attachments reads the attachments that the store has now. Those that their author took
// back are left out.
//
// Anyone who can write to the store can add and remove attachments. One with a nil Err is
// from the author that it names.
func (r *Recording) Attachments(ctx context.Context) (Attachments, error) {
	all, err := r.attachments(ctx)
	if err != nil {
		return Attachments{}, fmt.Errorf("recording %s: %w", r.head.ID, err)
	}
	return all, nil
}

func (r *Recording) attachments(ctx context.Context) (list Attachments, err error) {
	if r.keyless() {
		return list, nil
	}
	var names []string
	var size int64
	for info, err := range List(ctx, r.store, r.head.ID+"/"+attachmentsFolder) {
		if errors.Is(err, ErrNotListed) {
			list.More = true
			break
		} else if err != nil {
			return list, fmt.Errorf("could not look for attachments: %w", err)
		}
		name := strings.TrimPrefix(info.Name, r.head.ID+"/")
		if folder, max, ok := folderBeside(name); !ok || folder != attachmentsFolder || info.Size > max || info.Size < minShare {
			continue
		}
		if size += info.Size; size > maxAttachmentBytes || len(names) == maxAttachments {
			list.More = true
			break
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return list, nil
	}
	opened := make([]*attached, len(names))
	failed := make([]error, len(names))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i, name := range names {
		g.Go(func() error {
			o, err := r.readAttachment(gctx, name)
			var corrupt *CorruptError
			if errors.Is(err, ErrNoKey) || errors.Is(err, ErrNoAttachment) || errors.As(err, &corrupt) {
				failed[i] = err
				return nil
			}
			if o != nil {
				o.data = nil
			}
			opened[i] = o
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return list, err
	}
	removed := make(map[removedBy]bool)
	for _, o := range opened {
		if o != nil && o.Kind == removal && o.Err == nil {
			removed[removedBy{attachmentsFolder + o.File + ageSuffix, o.by.Name, o.by.Hash}] = true
		}
	}
	for i, o := range opened {
		var corrupt *CorruptError
		switch {
		case o == nil && errors.Is(failed[i], ErrNoKey):
			list.Locked = append(list.Locked, names[i])
		case o == nil && errors.As(failed[i], &corrupt):
			list.All = append(list.All, Attachment{Name: names[i], Err: corrupt})
		case o == nil || o.Kind == removal || removed[removedBy{o.Name, o.by.Name, o.by.Hash}]:
		default:
			list.All = append(list.All, o.Attachment)
		}
	}
	slices.SortStableFunc(list.All, func(a, b Attachment) int { return a.Time.Compare(b.Time) })
	return list, nil
}

// A removedBy is what somebody took back: only their own counts.
type removedBy struct {
	name, by string
	hash     uint32
}

// ReadAttachment returns an attachment and its file. The error wraps ErrNoAttachment if the
// store does not have it and ErrNoKey if no identity opens it, and is a *CorruptError if
// it is damaged. Attachment.Err says whether it counts; the file of one that does
// not is returned too.
func (r *Recording) ReadAttachment(ctx context.Context, name string) (Attachment, []byte, error) {
	o, err := r.readAttachment(ctx, name)
	if err == nil && o.Kind == removal {
		err = ErrNoAttachment
	}
	if err != nil {
		return Attachment{}, nil, fmt.Errorf("recording %s: %w", r.head.ID, err)
	}
	return o.Attachment, o.data, nil
}

// An attached is an attachment that opened.
type attached struct {
	Attachment
	by   note.Signature // of its author
	data []byte
}

func (r *Recording) readAttachment(ctx context.Context, name string) (*attached, error) {
	if folder, _, ok := folderBeside(name); !ok || folder != attachmentsFolder {
		return nil, fmt.Errorf("%w: %.80q", ErrNoAttachment, name)
	}
	sealed, err := readBeside(ctx, r.store, r.head.ID, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoAttachment, name)
	} else if err != nil {
		return nil, err
	}
	keys := &epochKeys{}
	for _, e := range r.epochs {
		secret, err := r.secret(ctx, e.Number)
		switch {
		case err == nil:
			keys.numbers, keys.secrets = append(keys.numbers, e.Number), append(keys.secrets, secret)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
	}
	return r.openAttachment(name, sealed, keys)
}

// epochKeys are the secrets of epochs as an identity. Only files without classic stanzas
// are opened.
type epochKeys struct {
	numbers []int
	secrets []*age.HybridIdentity
	opened  int   // the number of the epoch whose secret opened the last file
	mixed   error // set by Unwrap
}

func (k *epochKeys) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if k.mixed = checkStanzas(stanzas, false); k.mixed != nil {
		return nil, k.mixed
	}
	for i, secret := range k.secrets {
		key, err := secret.Unwrap(stanzas)
		if !errors.Is(err, age.ErrIncorrectIdentity) {
			k.opened = k.numbers[i]
			return key, err
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// openAttachment opens an attachment. The error wraps ErrNoKey, or is a *CorruptError.
func (r *Recording) openAttachment(name string, sealed []byte, keys *epochKeys) (*attached, error) {
	corrupt := func(err error) (*attached, error) { return nil, &CorruptError{name, err} }
	src, err := age.Decrypt(bytes.NewReader(sealed), keys)
	var noMatch *age.NoIdentityMatchError
	switch {
	case keys.mixed != nil:
		return corrupt(keys.mixed)
	case errors.As(err, &noMatch):
		return nil, fmt.Errorf("%s: %w", name, ErrNoKey)
	case err != nil:
		return corrupt(err)
	}
	plain, err := io.ReadAll(io.LimitReader(src, MaxAttachment))
	if err != nil {
		return corrupt(err)
	}
	msg, rest, err := cutNote(plain)
	if err != nil {
		return corrupt(err)
	}
	n, by, why := byReader(r, msg, openAttachmentNote, ErrRevokedAuthor)
	switch {
	case why != nil && !errors.Is(why, ErrForeignSigner) && !errors.Is(why, ErrRevokedAuthor):
		return corrupt(why)
	case !slices.Contains(n.epochs, keys.opened):
		// Any reader can seal what another signed to whomever they like.
		return corrupt(fmt.Errorf("it is sealed to epoch %d, and not about it", keys.opened))
	case int64(len(rest)) < n.size || len(plain) != padme(len(msg)+int(n.size)) || len(bytes.Trim(rest[n.size:], "\x00")) > 0:
		return corrupt(errors.New("its size is not the one that was signed"))
	case sha256.Sum256(rest[:n.size]) != n.sum:
		return corrupt(errors.New("its file is not the one that was signed"))
	}
	o := &attached{Attachment: n.attachment(name), by: by, data: rest[:n.size:n.size]}
	o.By, o.Err = by.Name, why
	return o, nil
}

// cutNote splits what begins with a signed note of one signature.
func cutNote(plain []byte) (msg, rest []byte, err error) {
	start := plain[:min(len(plain), maxAttachmentNote)]
	i := bytes.Index(start, []byte("\n\n\u2014 "))
	if i < 0 {
		return nil, nil, errors.New("malformed attachment: no signed note")
	}
	end := bytes.IndexByte(start[i+2:], '\n')
	if end < 0 {
		return nil, nil, errors.New("malformed attachment: no signature")
	}
	end += i + 3
	return plain[:end:end], plain[end:], nil
}

// openAttachmentNote checks the signed note of an attachment of the recording id. With
// ErrForeignSigner it returns the note too, which proves nothing.
func openAttachmentNote(msg []byte, id string, known note.Verifiers) (attachmentNote, note.Signature, error) {
	signed, err := note.Open(msg, known)
	var unverified *note.UnverifiedNoteError
	var bad *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		signed, err = unverified.Note, ErrForeignSigner
	case errors.As(err, &bad):
		return attachmentNote{}, note.Signature{}, errors.New("its signature is wrong")
	case err != nil:
		return attachmentNote{}, note.Signature{}, errors.New("malformed attachment: not a signed note")
	}
	sigs := slices.Concat(signed.Sigs, signed.UnverifiedSigs)
	if len(sigs) != 1 {
		return attachmentNote{}, note.Signature{}, fmt.Errorf("malformed attachment: %d signatures", len(sigs))
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(sigs[0].Base64); err != nil {
		return attachmentNote{}, note.Signature{}, errors.New("malformed attachment: signature not in canonical form")
	}
	n, parseErr := parseAttachment(signed.Text, id)
	if parseErr != nil {
		return attachmentNote{}, note.Signature{}, parseErr
	}
	return n, sigs[0], err
}
