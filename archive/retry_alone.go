package archive

import (
	"context"
	"io"
	"strings"
)

// maxOthers is how many other objects are asked for to tell a store that is away
// from an object that is not given.
const maxOthers = 8

// givesOthers reports whether the store gives another object than this one: of the
// same recording, or of any.
func (s *retryStore) givesOthers(ctx context.Context, name string) bool {
	folder, _, _ := strings.Cut(name, "/")
	for _, prefix := range []string{folder + "/", ""} {
		asked := 0
		for info, err := range s.store.List(ctx, prefix) {
			if err != nil || asked == maxOthers {
				break
			}
			if info.Name == name || info.Size == 0 {
				continue
			}
			if asked++; s.gives(ctx, info.Name) {
				return true
			}
		}
	}
	return false
}

// gives reports whether the store gives the first byte of an object.
func (s *retryStore) gives(ctx context.Context, name string) bool {
	r, err := s.store.Get(ctx, name, 0, 1)
	if err != nil {
		return false
	}
	defer r.Close() // only read from
	_, err = io.ReadFull(r, make([]byte, 1))
	return err == nil
}

// givesHead reports whether the store gives the head of the recording with these
// objects: then what cannot be listed is a folder on a bad place of a disk.
func (s *retryStore) givesHead(ctx context.Context, prefix string) bool {
	folder, _, _ := strings.Cut(prefix, "/")
	return s.gives(ctx, folder+"/"+headName)
}
