package link

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealtape/sealtape/archive"
)

const (
	// Version is the version of the grammar.
	Version = "1"

	// MaxLink is the most characters of an invitation, without the page.
	MaxLink = 8192

	// maxMoment is later than the end of any recording.
	maxMoment = 31 * 24 * time.Hour

	// maxExpires is the last second of the year 9999.
	maxExpires = 253402300799
)

// An Invitation names a recording for somebody else. Parse and Check hold what its
// fields can be.
type Invitation struct {
	Store     string            // URL of the folder with the recordings' folders
	Recording string            // ID
	Recorder  ed25519.PublicKey // claimed: see the package
	Size      int64             // lines of the log when the link was made
	Root      tlog.Hash         // of these lines
	// From is where to begin, in whole milliseconds. To is where to pause; 0 means
	// nowhere.
	From, To time.Duration
	Share    string // the random part of a share's name; "" means none

	// Meeting are the recordings of the meeting, in order, if there are several, and the link
	// is for them all: a zero Part for this one, and the others.
	Meeting []Part

	// What lets one read, if not anybody can. At most one of these is there.

	Query       string // appended to the URL of each object
	Credentials *Credentials
	Presigned   *Presigned
	// Expires is when that ends, in whole seconds. Zero means that this is not known.
	Expires time.Time
}

// Credentials are those of a session of S3 that may read one recording.
type Credentials struct {
	// HostStyle: the bucket is in the name of the host. Otherwise it is the first
	// element of the path.
	HostStyle                    bool
	Region, AccessKey, SecretKey string
	Token                        string
}

// KeyPrefix begins a hybrid identity of age.
const KeyPrefix = "AGE-SECRET-KEY-PQ-1"

// A Presigned names the Table of presigned URLs.
type Presigned struct {
	Key   string // the hybrid identity that opens the table, behind KeyPrefix
	Share string // the random part of its name among the shares
	Query string // appended to its URL
}

// Head returns the head that the invitation tells of. Of its state nothing is told.
func (i *Invitation) Head() archive.Head {
	return archive.Head{ID: i.Recording, Size: i.Size, Root: i.Root, State: archive.StateOpen}
}

// Secret reports whether the invitation holds what lets one read from the store.
func (i *Invitation) Secret() bool {
	return i.Query != "" || i.Credentials != nil || i.Presigned != nil
}

// URL returns the URL of an object of the store, without what lets one read it.
func (i *Invitation) URL(name string) string { return i.Store + "/" + name }

// String returns the invitation as it stands behind the # of a link. It holds
// secrets where Secret says so.
func (i *Invitation) String() string {
	var b strings.Builder
	b.WriteString(Version)
	field := func(letter, value string) {
		if value != "" {
			b.WriteString("&" + letter + "=" + value)
		}
	}
	field("s", escape(i.Store))
	field("r", i.Recording)
	field("k", base64.RawURLEncoding.EncodeToString(i.Recorder))
	field("h", strconv.FormatInt(i.Size, 10)+"."+base64.RawURLEncoding.EncodeToString(i.Root[:]))
	field("t", moments(i.From, i.To))
	field("g", i.Share)
	field("m", meeting(i.Meeting))
	if !i.Expires.IsZero() {
		field("e", strconv.FormatInt(i.Expires.Unix(), 10))
	}
	field("q", escape(i.Query))
	if c := i.Credentials; c != nil {
		style := "path"
		if c.HostStyle {
			style = "host"
		}
		field("c", escape(strings.Join([]string{style, c.Region, c.AccessKey, c.SecretKey, c.Token}, ":")))
	}
	if p := i.Presigned; p != nil {
		field("p", p.Key+"."+p.Share+"."+escape(p.Query))
	}
	return b.String()
}

// Check returns an error unless Parse reads what String writes.
func (i *Invitation) Check() error {
	again, err := Parse(i.String())
	if err == nil && again.String() != i.String() {
		err = &RefusedError{"it cannot be written as a link"}
	}
	return err
}

// moments writes a moment or a range, "" for the beginning.
func moments(from, to time.Duration) string {
	switch {
	case to > 0:
		return moment(from) + "," + moment(to)
	case from > 0:
		return moment(from)
	}
	return ""
}

func moment(d time.Duration) string {
	s := fmt.Sprintf("%d.%03d", d/time.Second, d%time.Second/time.Millisecond)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

const upperHex = "0123456789ABCDEF"

// escape writes every byte with a % that some messenger might not take as a part of an
// address.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if unreserved(c) || c == ':' || c == '/' {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
