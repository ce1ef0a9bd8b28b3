package s3

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sealtape/sealtape/archive"
)

// A Config says where a bucket is, with which keys to sign, and how objects are
// stored there. It prints without its secrets.
type Config struct {
	// Endpoint is the server's URL, http or https, without a path. Empty means
	// Amazon S3. With http, anyone on the network path sees the names and sizes
	// of the objects and can delay requests; the objects are sealed and the
	// requests signed.
	Endpoint string
	// Region is the bucket's region. Empty means to ask the server, which not
	// every key may do.
	Region string
	// Bucket must exist. It may hold other things besides the archive.
	Bucket string
	// Prefix comes before each object's name, with a slash in between. It may
	// contain slashes, but no empty, "." or ".." elements. Empty means no prefix.
	Prefix string

	// Style is how requests name the bucket: "host" puts it before the server's
	// name, "path" into the path. Empty means what the server is known to need.
	Style string
	// Class is the storage class of objects, such as STANDARD_IA. Empty means the
	// bucket's default.
	Class string
	// KMS makes the server encrypt what it stores once more, by SSE-KMS, with the
	// key KMSKey. An empty KMSKey means the bucket's default key.
	KMS    bool
	KMSKey string
	// Retain is how long after its Put nobody may remove or change an object. The
	// bucket must have object lock. Objects below archive.ScratchPrefix are
	// retained for a minute. 0 means the bucket's default.
	Retain time.Duration
	// Compliance retains objects against everyone. Without it they are retained
	// in governance mode: a key with the permission s3:BypassGovernanceRetention
	// can remove them.
	Compliance bool

	// AccessKey and SecretKey sign the requests; SessionToken belongs to
	// temporary keys. All three are empty only in a Config from FromEnv.
	AccessKey    string `json:"-"`
	SecretKey    string `json:"-"`
	SessionToken string `json:"-"`

	// source gives keys, and new ones when they have expired.
	source *credentials.Credentials
}

// FromEnv returns the Config for a location, which is BUCKET/PREFIX?SETTINGS.
// Each setting is NAME=VALUE, and & separates them:
//
//	endpoint, region   instead of those of the environment
//	profile            of the AWS shared files, even if the environment has keys
//	style              host or path
//	class              a storage class
//	kms                the ID of a key, or default
//	retain             how long, such as 90d or 12h
//	lock               governance (default with retain) or compliance
//
// Everything else comes from the environment, as for other S3 tools:
// AWS_ENDPOINT_URL_S3 or else AWS_ENDPOINT_URL; AWS_REGION or else
// AWS_DEFAULT_REGION. Keys are looked for in this order:
//
//   - AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN;
//   - of the profile AWS_PROFILE in the AWS shared files: ~/.aws/credentials and
//     ~/.aws/config, or where AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE say;
//   - a web identity's, by AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, from
//     AWS_ENDPOINT_URL_STS or else Amazon's;
//   - a container's role, by AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI;
//   - with Amazon S3, the role of the instance, unless AWS_EC2_METADATA_DISABLED is
//     true, from AWS_EC2_METADATA_SERVICE_ENDPOINT or else Amazon's.
//
// Keys of roles are renewed before they expire. If no keys are found, the error
// wraps archive.ErrDenied.
func FromEnv(location string) (Config, error) {
	c, profile, err := locate(location)
	if err != nil {
		return Config{}, err
	}
	if profile == "" {
		c.AccessKey, c.SecretKey, c.SessionToken = os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		return Config{}, fmt.Errorf("%w: only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set", archive.ErrDenied)
	}
	if c.AccessKey == "" {
		c.SessionToken = ""
		if c.source, err = source(c, profile); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

// Locate returns the Config as FromEnv does, but without keys. It reads nothing
// but the location and the environment.
func Locate(location string) (Config, error) {
	c, _, err := locate(location)
	return c, err
}

// String returns where the bucket is and how long objects are retained, without
// the keys.
func (c Config) String() string {
	s := fmt.Sprintf("s3://%s/%s at %s", c.Bucket, c.Prefix, cmp.Or(c.Endpoint, "Amazon S3"))
	if c.Retain > 0 {
		lock := "governance"
		if c.Compliance {
			lock = "compliance"
		}
		s += fmt.Sprintf(", retained for %v under %s", c.Retain, lock)
	}
	return s
}

// GoString returns String, so that %#v shows no keys either.
func (c Config) GoString() string { return c.String() }

// LogValue returns String for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// credentials returns what signs the requests.
func (c Config) credentials() (*credentials.Credentials, error) {
	switch {
	case c.AccessKey != "" && c.SecretKey != "":
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken), nil
	case c.AccessKey == "" && c.SecretKey == "" && c.source != nil:
		return c.source, nil
	}
	return nil, fmt.Errorf("%w: no access key and secret key given", archive.ErrDenied)
}

// endpoint returns the server's host and whether it speaks TLS.
func (c Config) endpoint() (host string, secure bool, err error) {
	if c.Endpoint == "" {
		return "s3.amazonaws.com", true, nil // minio-go uses the region's host
	}
	u, err := url.Parse(c.Endpoint)
	// The error of Parse quotes the URL, which may hold a password.
	if err != nil || u.User != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false, errors.New("the S3 endpoint must be of the form https://HOST or http://HOST:PORT")
	}
	return u.Host, u.Scheme == "https", nil
}

// keyPrefix returns what comes before each object's name.
func (c Config) keyPrefix() (string, error) {
	prefix := strings.Trim(c.Prefix, "/")
	if prefix == "" {
		return "", nil
	}
	if len(prefix) > 512 || !utf8.ValidString(prefix) {
		return "", fmt.Errorf("the S3 prefix must be UTF-8 of at most 512 bytes: %w", fs.ErrInvalid)
	}
	for elem := range strings.SplitSeq(prefix, "/") {
		if elem == "" || elem == "." || elem == ".." || strings.ContainsFunc(elem, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", fmt.Errorf("the S3 prefix %q has an element that is empty, a dot, or not printable: %w", c.Prefix, fs.ErrInvalid)
		}
	}
	return prefix + "/", nil
}
