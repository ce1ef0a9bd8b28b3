package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// folderBeside returns the folder of an object that readers add beside the log, grants and
// attachments, and how many bytes the object can have. The name of such an object is the
// hash of its bytes. ok is false for any other name.
func folderBeside(name string) (folder string, max int64, ok bool) {
	for folder, max := range map[string]int64{sharesFolder: maxShare, attachmentsFolder: MaxAttachment} {
		random, in := strings.CutPrefix(name, folder)
		random, age := strings.CutSuffix(random, ageSuffix)
		if in && age && ValidID(random) == nil {
			return folder, max, true
		}
	}
	return "", 0, false
}

// nameBeside returns the name of an object in a folder beside the log. It is not in the
// log: by its name alone can anyone tell without a key whether it is whole.
func nameBeside(folder string, sealed []byte) string {
	sum := sha256.Sum256(sealed)
	return folder + crockford.EncodeToString(sum[:16]) + ageSuffix
}

// readBeside returns an object whose bytes have the hash that its name is. The error is a
// *CorruptError if they have not.
func readBeside(ctx context.Context, s Store, id, name string) ([]byte, error) {
	folder, max, ok := folderBeside(name)
	if !ok {
		return nil, &CorruptError{name, fs.ErrNotExist}
	}
	data, err := read(ctx, s, id, name, max)
	if err == nil && nameBeside(folder, data) != name {
		return nil, &CorruptError{name, errors.New("its SHA-256 is not its name")}
	}
	return data, err
}

// copyBeside copies the objects of a folder beside the log, and returns how many there are.
func copyBeside(ctx context.Context, dst, src Store, id, folder string) (int, error) {
	if err := ValidID(id); err != nil {
		return 0, err
	}
	n := 0
	var bad []error
	for info, err := range List(ctx, src, id+"/"+folder) {
		if err != nil {
			return n, fmt.Errorf("copying %s of recording %s: %w", strings.TrimSuffix(folder, "/"), id, err)
		}
		name := strings.TrimPrefix(info.Name, id+"/")
		if _, _, ok := folderBeside(name); !ok {
			continue
		}
		data, err := readBeside(ctx, src, id, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = putBeside(ctx, dst, info.Name, data)
		}
		var corrupt *CorruptError
		switch {
		case errors.Is(err, ErrConflict), errors.As(err, &corrupt):
			bad = append(bad, &BadObjectError{id, name, err})
		case err != nil:
			return n, fmt.Errorf("copying %s: %w", info.Name, err)
		default:
			n++
		}
	}
	return n, errors.Join(bad...)
}

// putBeside puts a whole object over a damaged one.
func putBeside(ctx context.Context, s Store, name string, data []byte) error {
	b := BytesBlob(data)
	err := s.Put(ctx, name, b)
	if errors.Is(err, ErrConflict) {
		b.Replace = true
		if replaceErr := s.Put(ctx, name, b); !errors.Is(replaceErr, ErrDenied) {
			return replaceErr
		}
	}
	return err
}
