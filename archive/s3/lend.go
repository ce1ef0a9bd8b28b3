package s3

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/link"
)

// How long others can be let read: servers refuse more and less.
const (
	MaxPresigned = 7 * 24 * time.Hour
	MaxSession   = 12 * time.Hour // of AssumeRole, with Amazon's
	MinSession   = 15 * time.Minute
)

// ErrTooLong: the keys that sign end before what they sign was to end.
var ErrTooLong = errors.New("the keys that sign for it end earlier")

// LinkPolicy returns the JSON of a bucket policy by which anybody gets the objects of a
// recording, whose names have to be known: nobody may list them.
func (c Config) LinkPolicy(id string) (string, error) {
	_, objects, err := c.folder(id)
	if err != nil {
		return "", err
	}
	type statement struct {
		Sid, Effect string
		Principal   map[string][]string
		Action      []string
		Resource    []string
	}
	b, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{"Sealtape" + id, "Allow", map[string][]string{"AWS": {"*"}}, []string{"s3:GetObject"}, []string{objects}}}})
	return string(b), err
}

// sessionPolicy returns the JSON of a policy for a session that reads one recording.
func (c Config) sessionPolicy(id string) (string, error) {
	prefix, objects, err := c.folder(id)
	if err != nil {
		return "", err
	}
	type statement struct {
		Effect    string
		Action    []string
		Resource  []string
		Condition map[string]map[string]string `json:",omitempty"`
	}
	b, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{
		{"Allow", []string{"s3:GetObject"}, []string{objects}, nil},
		{"Allow", []string{"s3:ListBucket"}, []string{"arn:aws:s3:::" + c.Bucket}, map[string]map[string]string{"StringLike": {"s3:prefix": prefix + "*"}}},
	}})
	return string(b), err
}

// folder returns what begins the names of a recording's objects in the bucket, and the
// ARN of all of them.
func (c Config) folder(id string) (prefix, objects string, err error) {
	prefix, err = c.keyPrefix()
	if err == nil {
		err = archive.ValidID(id)
	}
	if err == nil && strings.ContainsAny(c.Bucket+prefix, "*?$") {
		err = fmt.Errorf("a policy cannot name the prefix %q: %w", c.Prefix, fs.ErrInvalid)
	}
	prefix += id + "/"
	return prefix, "arn:aws:s3:::" + c.Bucket + "/" + prefix + "*", err
}

// Session asks the server for the credentials of a session that may read one recording,
// and list its objects, for a time. Amazon's server needs the ARN of a role; others
// take "". The error wraps archive.ErrDenied where the key may not ask for any.
func (c Config) Session(ctx context.Context, id, role string, d time.Duration) (*link.Credentials, time.Time, error) {
	var zero time.Time
	policy, err := c.sessionPolicy(id)
	if err != nil {
		return nil, zero, err
	}
	_, hostStyle, err := c.Address()
	if err != nil {
		return nil, zero, err
	}
	own, err := c.keys()
	if err != nil {
		return nil, zero, err
	}
	region := cmp.Or(c.Region, "us-east-1")
	endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_STS"), c.Endpoint, "https://sts."+region+".amazonaws.com")
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	sts := &credentials.STSAssumeRole{Client: client, STSEndpoint: endpoint, Options: credentials.STSAssumeRoleOptions{
		AccessKey: own.AccessKeyID, SecretKey: own.SecretAccessKey, SessionToken: own.SessionToken,
		Policy: policy, Location: region, DurationSeconds: int(d / time.Second), RoleARN: role, RoleSessionName: "sealtape-link",
	}}
	v, err := sts.RetrieveWithCredContext(&credentials.CredContext{Client: client, Context: ctx})
	var refused credentials.ErrorResponse
	if errors.As(err, &refused) {
		return nil, zero, fmt.Errorf("%w: %s gives no session: %s (%s)", archive.ErrDenied, endpoint, refused.STSError.Message, refused.STSError.Code)
	} else if err != nil {
		return nil, zero, fmt.Errorf("could not ask %s for a session: %w", endpoint, err)
	}
	return &link.Credentials{
		HostStyle: hostStyle, Region: region, AccessKey: v.AccessKeyID, SecretKey: v.SecretAccessKey, Token: v.SessionToken,
	}, v.Expiration.UTC().Truncate(time.Second), nil
}

// keys returns the keys that sign now.
func (c Config) keys() (credentials.Value, error) {
	creds, err := c.credentials()
	if err != nil {
		return credentials.Value{}, err
	}
	v, err := creds.GetWithContext(nil)
	if err != nil {
		return v, fmt.Errorf("%w: %w", archive.ErrDenied, err)
	}
	return v, nil
}

// Presign signs the URLs of objects of a recording, for a time. Names are relative to
// its folder. It asks the server for nothing but its region, where Region is not set.
// The error wraps ErrTooLong where the keys end before that.
func (c Config) Presign(ctx context.Context, id string, names []string, d time.Duration) (*link.Table, time.Time, error) {
	end := time.Now().Add(d).UTC().Truncate(time.Second)
	own, err := c.keys()
	if err != nil {
		return nil, end, err
	}
	if !own.Expiration.IsZero() && own.Expiration.Before(end) {
		return nil, end, fmt.Errorf("%w: %s", ErrTooLong, own.Expiration.Local().Format(time.DateTime))
	}
	// One key for all, whatever is renewed meanwhile.
	c.AccessKey, c.SecretKey, c.SessionToken = own.AccessKeyID, own.SecretAccessKey, own.SessionToken
	s, err := newStore(c)
	if err != nil {
		return nil, end, err
	}
	defer s.Close()
	names = slices.Sorted(slices.Values(names))
	for range 2 { // a day may end between two signatures
		t := &link.Table{Recording: id}
		for _, name := range names {
			u, err := s.core.PresignedGetObject(ctx, s.bucket, s.prefix+id+"/"+name, d, nil)
			if err != nil {
				return nil, end, fmt.Errorf("could not sign for %s: %w", name, mapError(err))
			}
			common, own := split(u.RawQuery)
			if t.Query == "" {
				t.Query = common
			}
			if common != t.Query {
				t = nil
				break
			}
			t.Objects = append(t.Objects, link.TableObject{Name: name, End: own})
		}
		if t != nil {
			return t, end, nil
		}
	}
	return nil, end, errors.New("could not sign for all objects on one day")
}

// split takes the query of a presigned URL apart: what it has in common with others, and
// what is its own.
func split(query string) (common, own string) {
	for field := range strings.SplitSeq(query, "&") {
		if strings.HasPrefix(field, "X-Amz-Date=") || strings.HasPrefix(field, "X-Amz-Signature=") {
			own += "&" + field
		} else {
			common += field + "&"
		}
	}
	return common, strings.TrimPrefix(own, "&")
}
