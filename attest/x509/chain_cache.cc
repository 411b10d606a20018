#include "attest/x509/chain_cache.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <mutex>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

// The times at which all of several certificates are valid.
struct Period {
  int64_t from_s = std::numeric_limits<int64_t>::min();
  int64_t end_s = std::numeric_limits<int64_t>::max();

  bool Has(int64_t time_s) const { return from_s <= time_s && time_s < end_s; }
  void Meet(const Certificate& certificate) {
    const CertificatePeriod other = certificate.period();
    from_s = std::max(from_s, other.from_s);
    end_s = std::min(end_s, other.end_s);
  }
};

// Each part behind its length, so that no two lists of parts are the same bytes.
class KeyHash {
 public:
  explicit KeyHash(absl::string_view use) { Add(AsBytes(use)); }
  void Add(ByteSpan part) {
    uint8_t length[8];
    uint64_t rest = part.size();
    for (uint8_t& byte : length) {
      byte = static_cast<uint8_t>(rest);
      rest >>= 8;
    }
    stream_.Update(length);
    stream_.Update(part);
  }
  Digest Get() const { return stream_.Peek(); }

 private:
  Sha256Stream stream_;
};

Digest IssuedKey(ByteSpan issuer_der, ByteSpan der) {
  KeyHash hash("issued");
  hash.Add(issuer_der);
  hash.Add(der);
  return hash.Get();
}

Digest ChainKey(const Certificate& root, absl::Span<const Certificate> intermediates,
                const Certificate& leaf, CertificateProfile profile) {
  KeyHash hash("chain");
  const auto kind = static_cast<uint8_t>(profile);
  hash.Add(ByteSpan(&kind, 1));
  hash.Add(root.der());
  for (const Certificate& certificate : intermediates) hash.Add(certificate.der());
  hash.Add(leaf.der());
  return hash.Get();
}

}  // namespace

class ChainCache::Entries {
 public:
  struct Entry {
    Digest key;
    Period period;
    std::optional<Certificate> certificate;  // of a signature; none: a chain's entry
  };

  explicit Entries(size_t entries_max) : entries_max_(entries_max) {}

  std::optional<Entry> Find(const Digest& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return std::nullopt;
    ++hits_;
    used_.splice(used_.begin(), used_, found->second);
    return *found->second;
  }

  void Add(Entry entry, int64_t time_s) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (places_.contains(entry.key)) return;
    if (used_.size() >= entries_max_) {
      for (auto each = used_.begin(); each != used_.end();) {
        each = each->period.end_s <= time_s ? Erase(each) : std::next(each);
      }
    }
    if (used_.size() >= entries_max_) Erase(std::prev(used_.end()));
    used_.push_front(std::move(entry));
    places_[used_.front().key] = used_.begin();
  }

  size_t size() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return used_.size();
  }
  uint64_t hits() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return hits_;
  }

 private:
  using Place = std::list<Entry>::iterator;
  Place Erase(Place place) {
    places_.erase(place->key);
    return used_.erase(place);
  }

  const size_t entries_max_;
  mutable std::mutex mutex_;  // of all below
  uint64_t hits_ = 0;
  std::list<Entry> used_;  // the last used first
  std::map<Digest, Place> places_;
};

ChainCache::ChainCache(size_t entries_max) : entries_(std::make_unique<Entries>(entries_max)) {
  SEALFOLD_CHECK(entries_max > 0);
}

ChainCache::~ChainCache() = default;

std::optional<Certificate> ChainCache::FindIssued(ByteSpan issuer_der, ByteSpan der) {
  const std::optional<Entries::Entry> entry = entries_->Find(IssuedKey(issuer_der, der));
  return entry.has_value() ? entry->certificate : std::nullopt;
}

bool ChainCache::HasChain(const Certificate& root, absl::Span<const Certificate> intermediates,
                          const Certificate& leaf, CertificateProfile profile, int64_t time_s) {
  const std::optional<Entries::Entry> entry =
      entries_->Find(ChainKey(root, intermediates, leaf, profile));
  return entry.has_value() && entry->period.Has(time_s);
}

void ChainCache::AddIssued(const Certificate& issuer, const Certificate& certificate,
                           int64_t time_s) {
  Period period;
  period.Meet(certificate);
  entries_->Add({.key = IssuedKey(issuer.der(), certificate.der()),
                 .period = period,
                 .certificate = certificate},
                time_s);
}

void ChainCache::AddChain(const Certificate& root, absl::Span<const Certificate> intermediates,
                          const Certificate& leaf, CertificateProfile profile, int64_t time_s) {
  Period period;
  period.Meet(root);
  for (const Certificate& certificate : intermediates) period.Meet(certificate);
  period.Meet(leaf);
  if (!period.Has(time_s)) return;  // not what VerifyChain says: then the times were misread
  entries_->Add({.key = ChainKey(root, intermediates, leaf, profile),
                 .period = period,
                 .certificate = std::nullopt},
                time_s);
}

size_t ChainCache::size() const { return entries_->size(); }
uint64_t ChainCache::hits() const { return entries_->hits(); }

}  // namespace sealfold
