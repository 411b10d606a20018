#include "attest/x509/chain_cache.h"

#include <algorithm>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

// The times at which a certificate is valid too, beside what `period` is of.
void Meet(const Certificate& certificate, CertificatePeriod& period) {
  period.from_s = std::max(period.from_s, certificate.period().from_s);
  period.end_s = std::min(period.end_s, certificate.period().end_s);
}

// Whose names differ in their first letter: no two keys are of the same bytes.
Digest IssuedKey(const Digest& issuer, const Digest& certificate) {
  return Sha256({AsBytes("issued"), issuer.span(), certificate.span()});
}

Digest ChainKey(const Certificate& root, absl::Span<const Certificate> intermediates,
                const Certificate& leaf, CertificateProfile profile) {
  Sha256Stream hash;
  const auto kind = static_cast<uint8_t>(profile);
  hash.Update(AsBytes("chain"));
  hash.Update(ByteSpan(&kind, 1));
  hash.Update(root.digest().span());
  for (const Certificate& certificate : intermediates) hash.Update(certificate.digest().span());
  hash.Update(leaf.digest().span());
  return hash.Peek();
}

}  // namespace

class ChainCache::Entries {
 public:
  struct Entry {
    Digest key;
    CertificatePeriod period;
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

std::optional<Certificate> ChainCache::FindIssued(const Digest& issuer, const Digest& certificate) {
  const std::optional<Entries::Entry> entry = entries_->Find(IssuedKey(issuer, certificate));
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
  entries_->Add({.key = IssuedKey(issuer.digest(), certificate.digest()),
                 .period = certificate.period(),
                 .certificate = certificate},
                time_s);
}

void ChainCache::AddChain(const Certificate& root, absl::Span<const Certificate> intermediates,
                          const Certificate& leaf, CertificateProfile profile, int64_t time_s) {
  CertificatePeriod period = root.period();
  for (const Certificate& certificate : intermediates) Meet(certificate, period);
  Meet(leaf, period);
  if (!period.Has(time_s)) return;  // not what VerifyChain says: then the times were misread
  entries_->Add({.key = ChainKey(root, intermediates, leaf, profile),
                 .period = period,
                 .certificate = std::nullopt},
                time_s);
}

size_t ChainCache::size() const { return entries_->size(); }
uint64_t ChainCache::hits() const { return entries_->hits(); }

}  // namespace sealfold
