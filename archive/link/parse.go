package link

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/internal/pattern"
)

// A RefusedError says why a text is no invitation. Its text is for people, and holds
// nothing of the link but the letter of a field. playback/web/page/alone/link.js says
// the same.
type RefusedError struct{ why string }

func (e *RefusedError) Error() string { return "not a link to a recording: " + e.why }

// letters are the fields in their order.
const letters = "srkhtgmeqcp"

// needed are the fields that are always there.
const needed = "srkh"

// Cut takes a link apart: what stands before the #, which is the player's page, and
// what stands behind it. ok reports whether the latter looks like an invitation.
func Cut(link string) (page, invitation string, ok bool) {
	page, invitation, ok = strings.Cut(link, "#")
	version, _, fields := strings.Cut(invitation, "&")
	ok = ok && fields && version != "" && strings.Trim(version, "0123456789") == ""
	return page, invitation, ok
}

// Parse reads what stands behind the # of a link. It accepts exactly what String
// writes. The error is a *RefusedError.
func Parse(invitation string) (*Invitation, error) {
	refuse := func(why string) (*Invitation, error) { return nil, &RefusedError{why} }
	if len(invitation) > MaxLink {
		return refuse("it is too long")
	}
	version, rest, ok := strings.Cut(invitation, "&")
	if !ok || version == "" || strings.Trim(version, "0123456789") != "" {
		return refuse("it does not begin with 1&")
	}
	if version != Version {
		return refuse("it is of another version than 1")
	}
	i, last, given := &Invitation{}, -1, ""
	for field := range strings.SplitSeq(rest, "&") {
		letter, value, ok := strings.Cut(field, "=")
		if !ok || len(letter) != 1 || letter < "a" || letter > "z" {
			return refuse("a field is not a letter, = and a value")
		}
		at := strings.Index(letters, letter)
		switch {
		case at < 0:
			return refuse("field " + letter + " is unknown")
		case strings.Contains(given, letter):
			return refuse("field " + letter + " comes twice")
		case at < last:
			return refuse("field " + letter + " is not in its place")
		case strings.Contains("qcp", letter) && i.Secret():
			return refuse("field " + letter + " comes with another of q, c and p")
		case strings.Contains("cp", letter) && i.Meeting != nil:
			return refuse("field " + letter + " comes with m")
		case !i.set(letter, value):
			return refuse("field " + letter + " is malformed")
		}
		last, given = at, given+letter
	}
	for _, letter := range needed {
		if !strings.ContainsRune(given, letter) {
			return refuse("field " + string(letter) + " is missing")
		}
	}
	if !i.Expires.IsZero() && !i.Secret() {
		return refuse("field e comes without q, c or p")
	}
	return i, nil
}

// set reads the value of a field, and reports whether it is one in its one form.
func (i *Invitation) set(letter, value string) (ok bool) {
	switch letter {
	case "s":
		i.Store, ok = unescape(value)
		return ok && validStore(i.Store)
	case "r":
		i.Recording = value
		return archive.ValidID(value) == nil
	case "k":
		i.Recorder, ok = key32(value)
	case "h":
		size, root, _ := strings.Cut(value, ".")
		var hash []byte
		i.Size, hash, ok = parseHead(size, root)
		copy(i.Root[:], hash)
		return ok
	case "t":
		return i.setMoments(value)
	case "g":
		i.Share = value
		return archive.ValidID(value) == nil
	case "m":
		return len(i.Recorder) > 0 && i.Recording != "" && i.setMeeting(value)
	case "e":
		at, err := strconv.ParseInt(value, 10, 64)
		i.Expires = time.Unix(at, 0).UTC()
		return err == nil && at > 0 && at <= maxExpires && strconv.FormatInt(at, 10) == value
	case "q":
		i.Query, ok = unescape(value)
		return ok && validQuery(i.Query)
	case "c":
		return i.setCredentials(value)
	case "p":
		return i.setPresigned(value)
	}
	return ok
}

// key32 reads 32 bytes in base64url.
func key32(s string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return b, err == nil && len(b) == 32 && len(s) == 43 // decoding skips line ends
}

var momentForm = pattern.Of(`^(0|[1-9][0-9]{0,6})(\.[0-9]{0,2}[1-9])?$`)

func (i *Invitation) setMoments(value string) bool {
	from, to, ranged := strings.Cut(value, ",")
	var ok bool
	if i.From, ok = parseMoment(from); !ok {
		return false
	}
	if !ranged {
		return i.From > 0
	}
	i.To, ok = parseMoment(to)
	return ok && i.To > i.From
}

func parseMoment(s string) (time.Duration, bool) {
	m := momentForm().FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	seconds, _ := strconv.Atoi(m[1])
	ms, _ := strconv.Atoi((strings.TrimPrefix(m[2], ".") + "000")[:3])
	d := time.Duration(seconds)*time.Second + time.Duration(ms)*time.Millisecond
	return d, d <= maxMoment
}

// Lengths are compared where they are used: a repetition with a limit becomes hundreds of
// steps when it is compiled.
var (
	regionForm = pattern.Of(`^[a-z0-9-]+$`)
	keyForm    = pattern.Of(`^[02-9AC-HJ-NP-Z]+$`)
	secretForm = pattern.Of(`^[A-Za-z0-9+/=._-]+$`)
)

func (i *Invitation) setCredentials(value string) bool {
	text, ok := unescape(value)
	parts := strings.Split(text, ":")
	if !ok || len(parts) != 5 || parts[0] != "host" && parts[0] != "path" || len(parts[1]) > 64 || !regionForm().MatchString(parts[1]) {
		return false
	}
	for _, part := range parts[2:] {
		if len(part) > 4096 || !secretForm().MatchString(part) {
			return false
		}
	}
	i.Credentials = &Credentials{HostStyle: parts[0] == "host", Region: parts[1], AccessKey: parts[2], SecretKey: parts[3], Token: parts[4]}
	return true
}

func (i *Invitation) setPresigned(value string) bool {
	parts := strings.SplitN(value, ".", 3)
	if len(parts) != 3 || len(parts[0]) != 58 || !keyForm().MatchString(parts[0]) || archive.ValidID(parts[1]) != nil {
		return false
	}
	query, ok := unescape(parts[2])
	i.Presigned = &Presigned{Key: parts[0], Share: parts[1], Query: query}
	return ok && validQuery(query)
}

// unescape reads what escape wrote.
func unescape(s string) (string, bool) {
	text, err := url.PathUnescape(s)
	return text, err == nil && utf8.ValidString(text) && escape(text) == s
}

var queryForm = pattern.Of(`^([A-Za-z0-9._~!$'()*+,;:@/?&=-]|%[0-9A-Fa-f]{2})+$`)

// validQuery reports whether q can be appended to a URL.
func validQuery(q string) bool { return len(q) <= 4096 && queryForm().MatchString(q) }

var (
	storeForm = pattern.Of(`^(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?((?:/[A-Za-z0-9._~%-]+)*)$`)
	labelForm = pattern.Of(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
)

// validStore reports whether s is the URL of a store in its one form.
func validStore(s string) bool {
	if len(s) > 2048 {
		return false
	}
	m := storeForm().FindStringSubmatch(s)
	if m == nil || len(m[2]) > 253 {
		return false
	}
	scheme, host, port, path := m[1], m[2], m[3], m[4]
	if n, _ := strconv.Atoi(strings.TrimPrefix(port, ":")); n > 65535 || scheme == "http" && n == 80 || scheme == "https" && n == 443 {
		return false
	}
	if !validHost(host) || path == "" {
		return validHost(host)
	}
	for elem := range strings.SplitSeq(path[1:], "/") {
		if !validElement(elem) {
			return false
		}
	}
	return true
}

// validHost reports whether a host is a name, or an address in its one form.
func validHost(host string) bool {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		a, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && a.Is6() && !a.Is4In6() && "["+a.String()+"]" == host
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if len(label) > 63 || !labelForm().MatchString(label) {
			return false
		}
	}
	last := labels[len(labels)-1]
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		// Browsers read it as a number of an address, in many forms.
		a, err := netip.ParseAddr(host)
		return err == nil && a.Is4() && a.String() == host
	}
	return true
}

// validElement reports whether an element of a path is written in its one form, and
// names one level of it.
func validElement(elem string) bool {
	text, err := url.PathUnescape(elem)
	if err != nil || !utf8.ValidString(text) || text == "." || text == ".." || strings.Contains(text, "/") {
		return false
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return false
	}
	return EscapePath(text) == elem
}

// EscapePath writes the elements of a path as they stand in a store's URL.
func EscapePath(path string) string {
	elems := strings.Split(path, "/")
	for n, elem := range elems {
		elems[n] = strings.NewReplacer(":", "%3A").Replace(escape(elem))
	}
	return strings.Join(elems, "/")
}
