// What strangers may hold of a server: how many bytes it reads before it knows a request's length,
// and how long a connection may be without a whole request. The HTTP library bounds neither.
#ifndef SEALFOLD_ATTEST_KEYBROKER_SERVER_CONNECTIONS_H_
#define SEALFOLD_ATTEST_KEYBROKER_SERVER_CONNECTIONS_H_

#include <openssl/types.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "protocol/base/unique_fd.h"

namespace sealfold {

// One thread serves one connection, each with one request. Where all threads have one, the newest
// gets the place of another whose request is not whole: the oldest of the address (of an IPv6
// address: of its first 64 bits) that has most of them. So who asks at once is answered, however
// many connections others hold.
class Connections {
 public:
  static constexpr size_t kThreads = 32;
  static constexpr size_t kOpenMax = 128;                     // served and waiting
  static constexpr size_t kBeforeBodyBytesMax = 64 << 10;     // TLS's own, and the headers
  static constexpr std::chrono::seconds kRequestWait{10};     // from hello to the body's end
  static constexpr std::chrono::milliseconds kLookEach{500};  // how often to look for it

  // Has each connection of `context` begin by itself. Outlives them.
  explicit Connections(SSL_CTX* context);
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // By the thread that accepts, for each connection; waits while kOpenMax are open.
  void Accepted();
  // By the thread that serves a connection: when its headers are read, and with them how long the
  // body is; when its request is whole; when nothing of it is left.
  void HeadersRead();
  void RequestRead();
  void Done();

  // Ends those whose request is not whole `wait` after they began.
  void ShutOlderThan(std::chrono::milliseconds wait);

 private:
  using Clock = std::chrono::steady_clock;
  struct Connection {
    UniqueFd fd = UniqueFd();  // a descriptor of its own: the library closes the other one
    std::string address = {};
    Clock::time_point since = Clock::now();
    bool reading = true;                      // neither whole nor shut
    size_t bytes_left = kBeforeBodyBytesMax;  // of the serving thread alone
  };
  static void Begin(const SSL* ssl, int where, int);
  static long CountRead(BIO* bio,  // NOLINT(google-runtime-int): OpenSSL's
                        int operation, const char*, size_t, int,
                        long,  // NOLINT(google-runtime-int): OpenSSL's
                        int result, size_t* processed);
  void Begin(const SSL* ssl);
  void ShutForRoom();
  static void Shut(Connection& connection);

  std::mutex mutex_;
  std::condition_variable room_;
  size_t open_ = 0;
  std::map<std::thread::id, Connection> served_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_SERVER_CONNECTIONS_H_
