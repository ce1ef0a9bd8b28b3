package player

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
)

// Upload seals all of a meeting into a store by way of a spool folder, which holds
// little at a time, and returns the recording's ID.
func Upload(ctx context.Context, dst archive.Store, spool string, signer note.Signer, m Meeting) (id string, err error) {
	t, err := NewTape(spool, signer, m)
	if err != nil {
		return "", err
	}
	src, err := dir.Open(spool)
	if err != nil {
		return "", err
	}
	c := archive.NewCopier(dst, src, t.ID())
	var unreleased error
	c.OnHead = func(stored []archive.Entry) {
		if err := archive.ReleaseSpooled(spool, t.ID(), stored); err != nil {
			unreleased = err
		}
	}
	for at := t.m.Segment; ; at += 16 * t.m.Segment {
		if err := t.Until(min(at, m.Length)); err != nil {
			return "", err
		}
		if at >= m.Length {
			if err := t.Close(); err != nil {
				return "", err
			}
		}
		if err := c.Copy(ctx); err != nil {
			return "", fmt.Errorf("copying to the store: %w", err)
		}
		if at >= m.Length {
			break
		}
	}
	if unreleased != nil {
		return "", unreleased
	}
	return t.ID(), src.Close()
}
