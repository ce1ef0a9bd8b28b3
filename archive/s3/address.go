package s3

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive/link"
)

// ErrNoRegion: the address of a bucket of Amazon's has its region in it.
var ErrNoRegion = errors.New("the region of the bucket is not known")

// Address returns the URL of the folder with the recordings' folders, as links name it,
// and whether it has the bucket's name in the host. With Amazon S3, Region must be set.
func (c Config) Address() (address string, hostStyle bool, err error) {
	if c.Endpoint == "" && c.Region == "" {
		return "", false, ErrNoRegion
	}
	// Where requests go, minio-go knows for each kind of server. A signature of nobody's
	// takes no request.
	c.Region = cmp.Or(c.Region, "us-east-1")
	c.AccessKey, c.SecretKey, c.SessionToken = "nobody", "nothing", ""
	s, err := newStore(c)
	if err != nil {
		return "", false, err
	}
	u, err := s.core.PresignedGetObject(context.Background(), c.Bucket, "x", time.Minute, nil)
	if err != nil {
		return "", false, err
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	path := s.prefix
	if hostStyle = strings.HasPrefix(u.Host, c.Bucket+"."); !hostStyle {
		path = c.Bucket + "/" + path
	}
	return strings.TrimSuffix(u.Scheme+"://"+host+"/"+link.EscapePath(path), "/"), hostStyle, nil
}

// fromLink returns the Config for a store that an invitation names by credentials.
func fromLink(i *link.Invitation) (Config, error) {
	u, err := url.Parse(i.Store)
	if err != nil || i.Credentials == nil {
		return Config{}, errors.New("the link has no credentials")
	}
	k := i.Credentials
	c := Config{Region: k.Region, Style: "path", AccessKey: k.AccessKey, SecretKey: k.SecretKey, SessionToken: k.Token}
	path, host := strings.TrimPrefix(u.Path, "/"), u.Host
	if k.HostStyle {
		c.Style = "host"
		c.Bucket, host, _ = strings.Cut(u.Host, ".")
		c.Prefix = path
	} else {
		c.Bucket, c.Prefix, _ = strings.Cut(path, "/")
	}
	c.Endpoint = u.Scheme + "://" + host
	return c, nil
}

// OpenLinked returns the store that an invitation names by credentials, without asking
// the server for anything: such credentials may list one recording only.
func OpenLinked(i *link.Invitation) (*Store, error) {
	c, err := fromLink(i)
	if err != nil {
		return nil, err
	}
	return newStore(c)
}
