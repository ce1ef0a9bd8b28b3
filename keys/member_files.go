package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A fileCache caches what was read from members/: a file is read and checked again
// only when it has changed. It is safe for concurrent use.
type fileCache struct {
	mu    sync.Mutex
	files map[string]memberFile // by file name
}

// A memberFile is the content of one file, of one of four kinds.
type memberFile struct {
	info       fs.FileInfo // of the file when it was read; nil: read it again
	card       *Card
	folded     string // the name on card
	revocation *Revocation
	replacedBy string // the key on successor
	successor  Card
	ground     ground
}

// The files of members/ besides the cards say what became of a key: its
// revocation, and the card that replaced it, which may have been renewed since.
const (
	memberExt      = ".card"
	revocationExt  = ".revoked"
	replacementExt = ".replaced"
)

func (h *Home) membersPath(file string) string { return filepath.Join(h.dir, membersDir, file) }

func (h *Home) revocationPath(key string) string {
	return h.membersPath(hashName(key) + revocationExt)
}

func (h *Home) replacementPath(key string) string {
	return h.membersPath(hashName(key) + replacementExt)
}

// unchanging is the least age of a file whose time proves that it has not
// changed: file systems do not distinguish times that are closer together.
const unchanging = 2 * time.Second

// members returns what is in members/, by file name.
func (h *Home) members() (map[string]memberFile, error) {
	entries, err := os.ReadDir(h.membersPath(""))
	if err != nil {
		return nil, err
	}
	s := &h.cache
	s.mu.Lock()
	defer s.mu.Unlock()
	files := make(map[string]memberFile)
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case memberExt, revocationExt, replacementExt, groundExt:
		default:
			continue // a temporary file that is being written
		}
		info, err := os.Stat(h.membersPath(e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		if old := s.files[e.Name()]; old.info != nil && os.SameFile(old.info, info) && old.info.Size() == info.Size() && old.info.ModTime().Equal(info.ModTime()) {
			files[e.Name()] = old
			continue
		}
		now := time.Now()
		f, err := h.readMember(e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.membersPath(e.Name()), err)
		}
		if now.Sub(info.ModTime()) >= unchanging {
			f.info = info
		}
		files[e.Name()] = f
	}
	s.files = files
	return files, nil
}

// readMember reads and checks a file of members/.
func (h *Home) readMember(name string) (f memberFile, err error) {
	b, err := readBounded(h.membersPath(name), max(MaxCard, MaxRevocation, maxGround))
	if err != nil {
		return memberFile{}, err
	}
	key, ext := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Ext(name)
	switch ext {
	case groundExt:
		f.ground, err = parseGround(b)
		return f, err
	case revocationExt:
		r, err := ParseRevocation(b)
		if err == nil && hashName(r.Key) != key {
			err = fmt.Errorf("%w: of another key", ErrBadRevocation)
		}
		f.revocation = &r
		return f, err
	}
	c, err := ParseCard(b)
	switch {
	case err != nil:
	case ext == replacementExt && hashName(c.Replaces) != key:
		err = fmt.Errorf("%w: it replaces another key", ErrBadCard)
	case ext == replacementExt:
		f.replacedBy, f.successor = c.Key, c
	case h.memberPath(c.Name) != h.membersPath(name) && h.devicePath(c) != h.membersPath(name):
		err = fmt.Errorf("%w: pinned under another name than its own", ErrBadCard)
	default:
		f.card, f.folded = &c, foldName(c.Name)
	}
	return f, err
}
