package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"filippo.io/age"
)

// PutSealed adds a text among the shares of the recording id, sealed to a key that it
// makes. Whoever has the name and the key reads it. To readers of the recording it is a
// share that was granted to somebody else.
//
// It returns the random part of the name, and the key.
func PutSealed(ctx context.Context, s Store, id, text string) (share string, key *age.HybridIdentity, err error) {
	if err := ValidID(id); err != nil {
		return "", nil, err
	}
	key, err = age.GenerateHybridIdentity()
	if err != nil {
		return "", nil, err
	}
	sealed, err := sealLate(text, []age.Recipient{key.Recipient()})
	if err == nil && len(sealed) > maxShare {
		err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxShare)
	}
	if err != nil {
		return "", nil, err
	}
	name := nameBeside(sharesFolder, sealed)
	if err := s.Put(ctx, id+"/"+name, BytesBlob(sealed)); err != nil {
		return "", nil, fmt.Errorf("could not put %s: %w", name, err)
	}
	return name[len(sharesFolder) : len(name)-len(ageSuffix)], key, nil
}

// OpenSealed returns the text that PutSealed added. The error wraps ErrNoShare if there
// is none of that name, and ErrNoKey if the key does not open it. It is a *CorruptError
// if it is damaged.
func OpenSealed(ctx context.Context, s Store, id, share string, key age.Identity) (string, error) {
	name := sharesFolder + share + ageSuffix
	if ValidID(id) != nil || !validShare(name) {
		return "", fmt.Errorf("%w: %.64q", ErrNoShare, share)
	}
	sealed, err := fetchShare(ctx, s, id, name)
	if err != nil {
		return "", err
	}
	plain, err := age.Decrypt(bytes.NewReader(sealed), key)
	if err != nil {
		return "", fmt.Errorf("%s: %w: %w", name, ErrNoKey, err)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxShare))
	if err != nil {
		return "", &CorruptError{name, err}
	}
	return string(text), nil
}
