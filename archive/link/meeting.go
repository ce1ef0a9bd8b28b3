package link

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealtape/sealtape/archive"
)

// MaxParts is the most recordings of one meeting in an invitation.
const MaxParts = 100

// A Part is another recording of the same meeting, in the same store. The zero Part stands
// for the recording that the invitation is for.
type Part struct {
	Recording string
	Size      int64
	Root      tlog.Hash
	Recorder  ed25519.PublicKey // nil: the same as the invitation's
	Share     string
}

func (p Part) own() bool { return p.Recording == "" }

// Part returns the invitation to another part of the meeting, n in Meeting: it is as good as
// this one. It begins at the beginning.
func (i *Invitation) Part(n int) *Invitation {
	if n < 0 || n >= len(i.Meeting) || i.Meeting[n].own() {
		return i
	}
	to, j := i.Meeting[n], *i
	recorder := func(p Part) ed25519.PublicKey {
		if p.Recorder == nil {
			return i.Recorder
		}
		return p.Recorder
	}
	j.Recording, j.Size, j.Root, j.Share, j.Recorder, j.From, j.To = to.Recording, to.Size, to.Root, to.Share, recorder(to), 0, 0
	j.Meeting = make([]Part, len(i.Meeting))
	for k, p := range i.Meeting {
		if k == n {
			continue
		}
		if p.own() {
			p = Part{Recording: i.Recording, Size: i.Size, Root: i.Root, Share: i.Share}
		}
		if p.Recorder = recorder(p); bytes.Equal(p.Recorder, j.Recorder) {
			p.Recorder = nil
		}
		j.Meeting[k] = p
	}
	return &j
}

// meeting writes the field m.
func meeting(parts []Part) string {
	all := make([]string, len(parts))
	for n, p := range parts {
		if !p.own() {
			all[n] = strings.Join([]string{p.Recording, strconv.FormatInt(p.Size, 10), base64.RawURLEncoding.EncodeToString(p.Root[:]),
				base64.RawURLEncoding.EncodeToString(p.Recorder), p.Share}, ".")
		}
	}
	return strings.Join(all, ",")
}

// setMeeting reads the field m. The fields r and k stand before it.
func (i *Invitation) setMeeting(value string) bool {
	elements := strings.Split(value, ",")
	if len(elements) < 2 || len(elements) > MaxParts {
		return false
	}
	owns, seen := 0, []string{i.Recording}
	for _, element := range elements {
		var p Part
		if element == "" {
			owns++
		} else {
			f := strings.Split(element, ".")
			if len(f) != 5 || archive.ValidID(f[0]) != nil || slices.Contains(seen, f[0]) {
				return false
			}
			var root []byte
			ok := false
			if p.Size, root, ok = parseHead(f[1], f[2]); !ok {
				return false
			}
			p.Recording, p.Root, p.Share = f[0], tlog.Hash(root), f[4]
			if f[3] != "" {
				if p.Recorder, ok = key32(f[3]); !ok || bytes.Equal(p.Recorder, i.Recorder) {
					return false
				}
			}
			if p.Share != "" && archive.ValidID(p.Share) != nil {
				return false
			}
			seen = append(seen, p.Recording)
		}
		i.Meeting = append(i.Meeting, p)
	}
	return owns == 1
}

// parseHead reads the size and the root of a log.
func parseHead(size, root string) (n int64, hash []byte, ok bool) {
	hash, ok = key32(root)
	n, _ = strconv.ParseInt(size, 10, 64)
	return n, hash, ok && n >= 1 && n <= archive.MaxObjects && strconv.FormatInt(n, 10) == size
}
