// sealfold-attest: what a build measures, what evidence says, and policies made of either.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"
#include "attest/release/release.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/crypto/key_file.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"
#include "tests/cli/run.h"

namespace sealfold {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Real documents, and their times and nonces as tests/data/README.md has them.
constexpr char kPcr0Of2022[] =
    "f4d48b81a460c9916d1e685119074bf24660afd3e34fae9fca0a0d28d9d5599936332687e6f66fc890ac8cf150142d"
    "8b";
constexpr char kTimeOf2022[] = "2022-10-13T08:58:10Z";

std::string Data(const std::string& name) { return absl::StrCat(SEALFOLD_TEST_DATA, "/", name); }
std::string Document(const std::string& name) { return Data("attestation/" + name + ".cose"); }

class AttestTest : public ::testing::Test {
 protected:
  std::string Path(absl::string_view below) const { return folder_.Path(below); }
  // A policy for aws-nitro, written by `policy init` from a real document.
  std::string PolicyOf(const std::string& document) {
    std::string path = Path("policy-of-" + document);
    RunJsonOne({"sealfold-attest", "policy", "init", "--platform", "aws-nitro", "--document",
                Document(document), "--out", path});
    return path;
  }
  const TempDir folder_;
};

TEST_F(AttestTest, MeasuresAProgram) {
  const std::string program =
      "\x7f"
      "ELF and what follows";
  ASSERT_TRUE(WriteFileAtomic(Path("program"), program).ok());
  const std::string hash = Sha384(AsBytes(program)).hex();
  EXPECT_EQ(RunJsonOne({"sealfold-attest", "measure", "elf", Path("program")})["pcr0"], hash);
  EXPECT_EQ(Ran({"sealfold-attest", "measure", "elf", Path("program")}).out,
            absl::StrCat("PCR0  ", hash, "\n"));
  // No platform's evidence ever holds what these would come to.
  for (const std::string other : {"#!/bin/sh\n",
                                  "\x7f"
                                  "EL"}) {
    ASSERT_TRUE(WriteFileAtomic(Path("other"), other).ok());
    ExpectFails({"sealfold-attest", "measure", "elf", Path("other")}, kExitBadInput, "elf_magic");
  }
}

TEST_F(AttestTest, RefusesAnOptionThatTheBuildHasNoUseFor) {
  for (const std::vector<std::string>& option :
       std::vector<std::vector<std::string>>{{"--bank", "sha256"},
                                             {"--before", "a"},
                                             {"--stub-version", "258"},
                                             {"--phases", ""},
                                             {"--pk", "a"},
                                             {"--kek", "a"},
                                             {"--db", "a"},
                                             {"--dbx", "a"}}) {
    std::vector<std::string> measure = {"sealfold-attest", "measure", "eif",
                                        Data("measure/plain.eif")};
    measure.insert(measure.end(), option.begin(), option.end());
    ExpectFails(measure, kExitBadInput, "build_option");
  }
  ExpectFails({"sealfold-attest", "policy", "init", "--platform", "aws-nitro", "--kind", "eif",
               "--build", Data("measure/plain.eif"), "--bank", "sha384", "--out", Path("policy")},
              kExitBadInput, "build_option");
}

TEST_F(AttestTest, MeasuresEnclaveImages) {
  const json expected = json::parse(*ReadFile(Data("measure/eif.json"), 1 << 16));
  for (const auto& [name, values] : expected.items()) {
    const json measured =
        RunJsonOne({"sealfold-attest", "measure", "eif", Data("measure/" + name)});
    for (const auto& [index, value] : values.items()) EXPECT_EQ(measured[index], value) << name;
    EXPECT_EQ(measured.contains("pcr8"), values.contains("pcr8"));
  }
  EXPECT_THAT(Ran({"sealfold-attest", "measure", "eif", Data("measure/signed.eif")}).out,
              HasSubstr("signed by: CN = vector signer"));
  ExpectFails({"sealfold-attest", "measure", "eif", Path("none")}, kExitBadInput,
              "file_unreadable");
  ExpectFails({"sealfold-attest", "measure", "eif", Document("nsm-2022-10")}, kExitBadInput,
              "eif_header");
  std::string damaged = *ReadFile(Data("measure/plain.eif"), 1 << 16);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  ASSERT_TRUE(WriteFileAtomic(Path("damaged.eif"), damaged).ok());
  ExpectFails({"sealfold-attest", "measure", "eif", Path("damaged.eif")}, kExitBadInput, "eif_crc");
}

TEST_F(AttestTest, VerifiesARealDocumentAtItsTime) {
  const std::string policy = PolicyOf("nsm-2022-10");
  const std::vector<std::string> verify = {"sealfold-attest", "verify", Document("nsm-2022-10"),
                                           "--policy",        policy,   "--time",
                                           kTimeOf2022};
  const json verdict = RunJsonOne(verify);
  EXPECT_EQ(verdict["passed"], true);
  EXPECT_EQ(verdict["iss"], "aws-nitro");
  EXPECT_EQ(verdict["iat"], 1665651482);
  EXPECT_EQ(verdict["dbgstat"], "disabled-since-boot");
  EXPECT_EQ(verdict["registers"]["pcr0"], kPcr0Of2022);
  EXPECT_EQ(verdict["nonce"].get<std::string>().size(), 342u);  // 256 bytes in base64url
  EXPECT_FALSE(verdict.contains("eat_nonce"));
  for (const json& result : verdict["measres"][0][1]) EXPECT_EQ(result[1], "success") << result;
  const ProgramResult people = Ran(verify);
  EXPECT_THAT(people.out, HasSubstr("accepted by the policy"));
  EXPECT_THAT(people.out, HasSubstr("no --nonce was given"));
}

TEST_F(AttestTest, SaysWhyEvidenceIsRefused) {
  const std::string policy = PolicyOf("nsm-2022-10");
  const auto fails = [&](const std::string& document, std::vector<std::string> more,
                         const std::string& code) {
    more.insert(more.begin(),
                {"sealfold-attest", "verify", Document(document), "--policy", policy});
    ExpectFails(more, kExitRefused, code);
  };
  fails("nsm-2022-10", {}, "evidence_freshness");  // by this machine's clock
  fails("nsm-2022-10", {"--time", "2022-10-13T08:57:00Z"}, "evidence_freshness");
  fails("nsm-2022-10", {"--any-age", "--nonce", "00"}, "evidence_nonce");
  fails("nsm-2022-10", {"--any-age", "--user-data", "00"}, "evidence_user_data");
  fails("nsm-2022-10", {"--any-age", "--public-key", "00"}, "evidence_public_key");
  fails("nsm-2025-12", {"--any-age"}, "evidence_registers");
  fails("nsm-bad-signature-2024-07", {"--any-age"}, "evidence_signature");
  fails("nsm-debug-2023-09", {"--any-age"}, "evidence_debug");
  const ProgramResult people = Ran({"sealfold-attest", "verify", Document("nsm-debug-2023-09"),
                                    "--policy", policy, "--any-age"});
  EXPECT_THAT(people.out, HasSubstr("NO debug"));
  EXPECT_THAT(people.out, Not(HasSubstr("accepted")));
  // A verdict whose signature does not hold has no claims.
  const std::vector<json> verdict =
      Objects(Ran({"sealfold-attest", "verify", Document("nsm-bad-signature-2024-07"), "--policy",
                   policy, "--any-age", "--json"})
                  .out);
  ASSERT_EQ(verdict.size(), 1u);
  EXPECT_EQ(verdict[0]["passed"], false);
  EXPECT_FALSE(verdict[0].contains("registers"));
}

TEST_F(AttestTest, VerifyTakesNoNonsense) {
  const std::string policy = PolicyOf("nsm-2022-10");
  const auto verify = [&](const std::string& path, std::vector<std::string> more) {
    more.insert(more.begin(), {"sealfold-attest", "verify", path, "--policy", policy});
    return more;
  };
  const std::string good = Document("nsm-2022-10");
  ExpectFails(verify(good, {"--time", "yesterday"}), kExitBadInput, "time_invalid");
  ExpectFails(verify(good, {"--time", "1969-01-01T00:00:00Z"}), kExitBadInput, "time_invalid");
  ExpectFails(verify(good, {"--nonce", "zz"}), kExitBadInput, "hex_invalid");
  ExpectFails(verify(Path("none"), {}), kExitBadInput, "file_unusable");
  ExpectFails(verify(policy, {}), kExitRefused, "evidence_format");
  ExpectError(Ran(verify(good, {"--any-age", "--time", kTimeOf2022})), kExitUsage, "usage_wrong");
}

// As of `--nonce "$UNSET"` in a script: what was to be checked is not left unchecked.
TEST_F(AttestTest, AnEmptyValueIsNoMissingOption) {
  const std::string policy = PolicyOf("nsm-2022-10");
  for (const char* option : {"--nonce", "--user-data", "--public-key", "--time", "--release"}) {
    std::vector<std::string> verify = {
        "sealfold-attest", "verify", Document("nsm-2022-10"), "--policy", policy, option, ""};
    if (std::string(option) != "--time") verify.push_back("--any-age");
    ExpectError(Ran(verify), kExitUsage, "usage_wrong");
  }
  for (const char* option : {"--pk", "--kek", "--db", "--dbx"}) {
    ExpectError(Ran({"sealfold-attest", "measure", "uki", Data("measure/uki-258.efi"), option, ""}),
                kExitUsage, "usage_wrong");
  }
  ExpectError(Ran({"sealfold-attest", "release", "verify", Path("release.cbor"), "--build", ""}),
              kExitUsage, "usage_wrong");
}

TEST_F(AttestTest, ExplainsWithoutJudging) {
  const json explained = RunJsonOne({"sealfold-attest", "explain", Document("nsm-2022-10")});
  EXPECT_EQ(explained["kind"], "evidence");
  EXPECT_EQ(explained["fields"]["registers"]["pcr0"], kPcr0Of2022);
  // A document with a bad signature is explained just so.
  EXPECT_THAT(Ran({"sealfold-attest", "explain", Document("nsm-bad-signature-2024-07")}).out,
              HasSubstr("NOT VERIFIED"));
  ExpectFails({"sealfold-attest", "explain", Data("measure/plain.eif")}, kExitBadInput,
              "cbor_trailing");
}

TEST_F(AttestTest, WritesAPolicyOfABuild) {
  const std::string path = Path("evidence.json");
  const std::vector<std::string> init = {"sealfold-attest",
                                         "policy",
                                         "init",
                                         "--platform",
                                         "aws-nitro",
                                         "--kind",
                                         "eif",
                                         "--build",
                                         Data("measure/signed.eif"),
                                         "--name",
                                         "release 1",
                                         "--out",
                                         path};
  const json made = RunJsonOne(init);
  EXPECT_EQ(made["from"], "build");
  const json policy = json::parse(*ReadFile(path, 1 << 16));
  const json& values = policy["evidence"]["reference_values"][0];
  EXPECT_EQ(values["name"], "release 1");
  const json expected = json::parse(*ReadFile(Data("measure/eif.json"), 1 << 16))["signed.eif"];
  for (const auto& [index, value] : expected.items()) EXPECT_EQ(values[index], value);
  ExpectFails({"sealfold-attest", "verify", Document("nsm-2022-10"), "--policy", path, "--any-age"},
              kExitRefused, "evidence_registers");
  ExpectFails(init, kExitBadInput, "policy_exists");
}

// What is another on the next machine, such as the id of the instance, is left out.
TEST_F(AttestTest, APolicyOfADocumentIsOfItsProgram) {
  const json policy = json::parse(*ReadFile(PolicyOf("nsm-2022-10"), 1 << 16));
  std::vector<std::string> names;
  for (const auto& [name, value] : policy["evidence"]["reference_values"][0].items()) {
    names.push_back(name);
  }
  EXPECT_THAT(names, ElementsAre("name", "pcr0", "pcr1", "pcr2", "pcr8"));
}

TEST_F(AttestTest, APolicysTextsAreSuchAsAPolicyHas) {
  const std::string build = Path("release-\xff.eif");
  std::filesystem::copy(Data("measure/signed.eif"), build);
  std::vector<std::string> init = {
      "sealfold-attest", "policy", "init",  "--platform", "aws-nitro", "--kind", "eif",
      "--build",         build,    "--out", Path("p")};
  RunJsonOne(init);
  const json policy = json::parse(*ReadFile(Path("p"), 1 << 16));
  EXPECT_EQ(policy["evidence"]["reference_values"][0]["name"], "release-?.eif");
  init[10] = Path("q");
  init.insert(init.end(), {"--name", "release \xff"});
  ExpectFails(init, kExitBadInput, "text_malformed");
  init.back() = std::string(257, 'x');
  ExpectFails(init, kExitBadInput, "field_invalid");
  EXPECT_FALSE(std::filesystem::exists(Path("q")));
  init.back().pop_back();
  RunJsonOne(init);
}

TEST_F(AttestTest, ARootIsTakenWhateverStandsBesideItInItsFile) {
  {
    ChildProcess softnsm = Start({"sealfold-softnsm", "serve", "--state", Path("nsm"), "--socket",
                                  Path("nsm.sock"), "--json"},
                                 Path("errors"));
    ASSERT_TRUE(softnsm.ReadLine(/*timeout_ms=*/120'000).has_value());
    softnsm.Signal(SIGTERM);
    softnsm.Wait();
  }
  const std::string root = ReadFile(Path("nsm/root.pem"), 1 << 16).value();
  ASSERT_TRUE(WriteFileAtomic(Path("root.pem"), "friendlyName: M\xfcnchen\n" + root).ok());
  RunJsonOne({"sealfold-attest", "policy", "init", "--platform", "sealfold-softnsm", "--root",
              Path("root.pem"), "--kind", "elf", "--build", "/proc/self/exe", "--out", Path("p")});
  EXPECT_EQ(json::parse(*ReadFile(Path("p"), 1 << 16))["evidence"]["root"], root);
}

TEST_F(AttestTest, WritesAPolicyOfATpmsDocument) {
  const std::string document = Document("nitrotpm-2026-02");
  const auto init = [&](const std::string& out, std::vector<std::string> more) {
    more.insert(more.begin(), {"sealfold-attest", "policy", "init", "--platform", "aws-nitrotpm",
                               "--document", document, "--out", Path(out)});
    return more;
  };
  const auto names = [](json made) {
    std::vector<std::string> out;
    for (const auto& [key, value] : made.items()) {
      if (key.starts_with("pcr")) out.push_back(key);
    }
    return out;
  };
  // The firmware's registers, those that any program sets and those of all ones are left out.
  EXPECT_THAT(names(RunJsonOne(init("all.json", {}))),
              ElementsAre("pcr11", "pcr12", "pcr4", "pcr7", "pcr8", "pcr9"));
  EXPECT_THAT(names(RunJsonOne(init("two.json", {"--registers", "4,7"}))),
              ElementsAre("pcr4", "pcr7"));
  for (const char* policy : {"all.json", "two.json"}) {
    EXPECT_EQ(RunJsonOne({"sealfold-attest", "verify", document, "--policy", Path(policy),
                          "--any-age"})["passed"],
              true);
  }
  ExpectFails(init("p.json", {"--registers", "4,17"}), kExitBadInput, "policy_register_ones");
  ExpectFails(init("p.json", {"--registers", "0"}), kExitBadInput, "policy_reference_untelling");
  ExpectFails(init("p.json", {"--registers", "4,16"}), kExitBadInput, "policy_register_resettable");
}

TEST_F(AttestTest, APolicyAcceptsNeitherDebugModeNorForgery) {
  const auto fails = [&](std::vector<std::string> more, int exit_code, const std::string& code) {
    more.insert(more.begin(), {"sealfold-attest", "policy", "init", "--out", Path("p.json")});
    ExpectFails(more, exit_code, code);
  };
  fails({"--platform", "aws-nitro", "--document", Document("nsm-debug-2023-09")}, kExitRefused,
        "evidence_debug");
  fails(
      {"--platform", "aws-nitro", "--document", Document("nsm-debug-2023-09"), "--registers", "0"},
      kExitBadInput, "policy_register_zero");
  fails({"--platform", "aws-nitro", "--document", Document("nsm-bad-signature-2024-07")},
        kExitRefused, "evidence_signature");
  fails({"--platform", "aws-nitro", "--document", Document("nsm-2022-10"), "--registers", "31"},
        kExitBadInput, "register_missing");
  fails({"--platform", "aws-nitro", "--kind", "eif", "--build", Data("measure/plain.eif"),
         "--registers", "8"},
        kExitBadInput, "register_missing");
  fails({"--platform", "another", "--kind", "eif", "--build", Data("measure/plain.eif")},
        kExitBadInput, "policy_platform_unknown");
  EXPECT_THAT(Ran({"sealfold-attest", "policy", "init", "--out", Path("p"), "--platform", "another",
                   "--document", Document("nsm-2022-10")})
                  .err,
              HasSubstr("aws-nitro, aws-nitrotpm, tpm2"));
  fails({"--platform", "aws-nitro", "--root", Data("attestation/aws-nitro-root-g1.pem"), "--kind",
         "eif", "--build", Data("measure/plain.eif")},
        kExitBadInput, "policy_root_unexpected");
  // A build that this platform does not run.
  fails({"--platform", "aws-nitrotpm", "--kind", "eif", "--build", Data("measure/plain.eif")},
        kExitBadInput, "build_kind");
  fails({"--platform", "aws-nitro", "--kind", "elf", "--build", Data("README.md")}, kExitBadInput,
        "build_kind");
  fails({"--platform", "sealfold-softnsm", "--kind", "uki", "--build", Data("measure/uki-258.efi")},
        kExitBadInput, "build_kind");
  EXPECT_FALSE(ReadFile(Path("p.json"), 1 << 16).ok());
}

TEST_F(AttestTest, MeasuresUnifiedKernelImages) {
  const json expected = json::parse(*ReadFile(Data("measure/uki.json"), 1 << 16));
  const std::string uki = Data("measure/uki-252.efi");
  const json& values = expected["uki-252.efi"];
  const json measured = RunJsonOne({"sealfold-attest", "measure", "uki", uki});
  EXPECT_EQ(measured["systemd-stub"], "252");
  EXPECT_EQ(measured["banks"].size(), 3u);
  for (const char* reg : {"pcr4", "pcr7", "pcr11", "pcr12"}) {
    EXPECT_EQ(measured[reg], values["sha384"][reg]);
    for (const char* bank : {"sha256", "sha384", "sha512"}) {
      EXPECT_EQ(measured["banks"][bank][reg], values[bank][reg]);
    }
  }
  const json one =
      RunJsonOne({"sealfold-attest", "measure", "uki", uki, "--bank", "sha1", "--phases", ""});
  EXPECT_EQ(one["banks"].size(), 1u);
  EXPECT_EQ(one["banks"]["sha1"]["pcr11"], values["sha1"]["pcr11_at_start"]);
  // Of a stub whose sections are not known: everything else.
  const json older =
      RunJsonOne({"sealfold-attest", "measure", "uki", uki, "--stub-version", "254"});
  EXPECT_FALSE(older.contains("pcr11"));
  EXPECT_TRUE(older.contains("no_pcr11"));
  EXPECT_EQ(older["pcr4"], values["sha384"]["pcr4"]);
  ExpectFails({"sealfold-attest", "measure", "uki", Data("measure/plain.eif")}, kExitBadInput,
              "pe_malformed");
  ExpectFails({"sealfold-attest", "measure", "uki", uki, "--before", Data("measure/plain.eif")},
              kExitBadInput, "pe_malformed");
  ExpectFails({"sealfold-attest", "measure", "uki", uki, "--pk", Path("none")}, kExitBadInput,
              "file_unusable");
  // Secure Boot is on with a platform key, and this image has no signature.
  ExpectFails({"sealfold-attest", "measure", "uki", uki, "--pk", Data("measure/plain.eif")},
              kExitRefused, "secure_boot_signer");
}

class ReleaseTest : public AttestTest {
 protected:
  ReleaseTest() {
    for (const char* name : {"north", "south"}) {
      keys_.push_back(
          RunJsonOne({"sealfold-attest", "keygen", "--out", Path(name), "--name", name})["key"]);
    }
  }
  std::vector<std::string> Sign(const std::string& key, const std::string& build,
                                const std::string& version = "7") const {
    return {"sealfold-attest",
            "release",
            "sign",
            Path("release.cbor"),
            "--kind",
            "eif",
            "--build",
            Data("measure/" + build),
            "--platform",
            "aws-nitro",
            "--subject",
            "aggregator",
            "--release-version",
            version,
            "--source",
            "v7",
            "--builder",
            "b",
            "--key",
            Path(key)};
  }
  // A policy that accepts it by k of both signers.
  std::string Policy(int k, int version_min = 1) const {
    const json policy = {{"format", "sealfold-evidence-policy-1"},
                         {"evidence",
                          {{"platform", "aws-nitro"},
                           {"releases",
                            {{"subject", "aggregator"},
                             {"signers", keys_},
                             {"k", k},
                             {"version_min", version_min},
                             {"files", {"release.cbor"}}}}}}};
    EXPECT_TRUE(WriteFileAtomic(Path("policy.json"), policy.dump()).ok());
    return Path("policy.json");
  }
  // What `signers` release as `version`: the program of which there is a document.
  void WriteRelease(const std::string& file, uint64_t version,
                    const std::vector<std::string>& signers) const {
    const Bytes statement = EncodeStatement(
        {.subject = "aggregator",
         .version = version,
         .source = "v",
         .builder = "b",
         .platforms = {{.platform = "aws-nitro",
                        .registers = {{.index = 0, .value = *HexDecode(kPcr0Of2022)}}}}});
    ReleaseFile release;
    for (const std::string& signer : signers) {
      const KeyFile key = ReadKeyFile(Path(signer), KeyRole::kBuilder).value();
      release.statements.push_back(SignStatement(key.signing_key(), statement));
    }
    ASSERT_TRUE(WriteFileAtomic(Path(file), AsText(cbor::EncodeFields(release))).ok());
  }
  std::vector<std::string> Verify(const std::string& policy) const {
    return {"sealfold-attest", "verify", Document("nsm-2022-10"), "--any-age", "--policy", policy};
  }

  std::vector<std::string> keys_;
};

TEST_F(ReleaseTest, BuildersVouchForABuild) {
  EXPECT_EQ(RunJsonOne(Sign("north", "signed.eif"))["signatures"], 1);
  ExpectFails(Verify(Policy(2)), kExitRefused, "release_signers");
  EXPECT_EQ(RunJsonOne(Sign("south", "signed.eif"))["signatures"], 2);
  // Now there are reference values, which are another program's than the document's.
  const json error = ExpectFails(Verify(Policy(2)), kExitRefused, "evidence_registers");
  EXPECT_THAT(std::string(error["expected"]), HasSubstr("aggregator version 7"));
  ExpectFails(Verify(Policy(2, 8)), kExitRefused, "release_version");
  ExpectFails(Verify(Policy(0)), kExitBadInput, "policy_release_k");
  ExpectFails(Verify(Policy(3)), kExitBadInput, "policy_release_k");

  const json verified = RunJsonOne({"sealfold-attest", "release", "verify", Path("release.cbor"),
                                    "--build", Data("measure/signed.eif")});
  EXPECT_EQ(verified["fields"]["signers"], keys_);
  EXPECT_EQ(verified["fields"]["version"], 7);
  ExpectFails({"sealfold-attest", "release", "verify", Path("release.cbor"), "--build",
               Data("measure/plain.eif")},
              kExitRefused, "release_file");
}

// Where an entry could be put in place of another's, the log would be two under one key.
TEST_F(ReleaseTest, OfEntriesAtOnceEachHasItsPlaceInTheLog) {
  constexpr uint64_t kReleases = 12;
  const auto log = [this](uint64_t version) {
    const std::string file = absl::StrCat("release-", version);
    WriteRelease(file, version, {"north"});
    return std::vector<std::string>{"sealfold-attest", "release",   "log",   Path(file),
                                    "--log",           Path("log"), "--key", Path("south")};
  };
  std::vector<std::string> first = log(1);
  first.emplace_back("--new");
  RunJsonOne(first);
  std::vector<ChildProcess> running;
  for (uint64_t version = 2; version <= kReleases; ++version) {
    running.push_back(Start(log(version), Path("errors")));
  }
  for (ChildProcess& each : running) EXPECT_EQ(each.Wait(), 0);
  std::set<uint64_t> sizes;
  for (uint64_t version = 1; version <= kReleases; ++version) {
    const std::string bytes = *ReadFile(Path(absl::StrCat("release-", version)), 1 << 16);
    const absl::StatusOr<TreeHead> head = CheckLogged(OpenRelease(AsBytes(bytes)).value(),
                                                      SigningPublicKey::FromHex(keys_[1]).value());
    ASSERT_TRUE(head.ok()) << head.status();
    sizes.insert(head->size);
  }
  EXPECT_EQ(sizes.size(), kReleases);
}

// The policy names builders, and no file: whoever hands over the evidence hands it over too.
TEST_F(ReleaseTest, AReleaseComesBesideEvidence) {
  json document = json::parse(*ReadFile(Policy(2, 7), 1 << 16));
  document["evidence"]["releases"].erase("files");
  ASSERT_TRUE(WriteFileAtomic(Path("builders.json"), document.dump()).ok());
  const std::vector<std::string> alone = Verify(Path("builders.json"));
  const json missing = ExpectFails(alone, kExitBadInput, "release_missing");
  EXPECT_THAT(std::string(missing["do"]), HasSubstr("--release"));

  const auto beside = [&](const std::string& file, std::vector<std::string> verify) {
    verify.insert(verify.end(), {"--release", Path(file)});
    return verify;
  };
  // Of the program whose document it is.
  WriteRelease("of-2022", 7, {"north", "south"});
  EXPECT_EQ(RunJsonOne(beside("of-2022", alone))["passed"], true);
  WriteRelease("too-few", 7, {"north"});
  ExpectFails(beside("too-few", alone), kExitRefused, "release_signers");
  WriteRelease("old", 6, {"north", "south"});
  const json old = ExpectFails(beside("old", alone), kExitRefused, "release_version");
  EXPECT_THAT(std::string(old["what"]), HasSubstr(Path("old")));
  EXPECT_THAT(Ran(beside("old", alone)).out, HasSubstr("NO release_offered"));
  // What is no release at all is one that counts for nothing: evidence is refused, by exit code
  // too, and for what fails first.
  ExpectFails(beside("builders.json", alone), kExitRefused, "cbor_truncated");
  std::vector<std::string> of_another = beside("builders.json", alone);
  of_another.insert(of_another.end(), {"--nonce", "0011"});
  ExpectFails(of_another, kExitRefused, "evidence_nonce");
  EXPECT_THAT(Ran(of_another).out, Not(HasSubstr("release_offered")));
  ExpectFails(beside("none", alone), kExitBadInput, "file_unusable");
  // Of another.
  RunJsonOne(Sign("north", "signed.eif"));
  RunJsonOne(Sign("south", "signed.eif"));
  ExpectFails(beside("release.cbor", alone), kExitRefused, "evidence_registers");

  // One that is refused takes nothing from what the policy accepts by itself.
  WriteRelease("release.cbor", 7, {"north", "south"});
  const std::vector<std::string> both = beside("too-few", Verify(Policy(2)));
  EXPECT_EQ(RunJsonOne(both)["passed"], true);
  EXPECT_THAT(Ran(both).out, HasSubstr("the release counted for nothing"));
  ExpectFails(beside("of-2022", Verify(PolicyOf("nsm-2022-10"))), kExitBadInput,
              "release_unexpected");
}

TEST_F(ReleaseTest, ALogHoldsWhatWasReleased) {
  RunJsonOne(Sign("north", "signed.eif"));
  const std::vector<std::string> enter = {
      "sealfold-attest", "release",        "log",   Path("release.cbor"),
      "--log",           Path("log.cbor"), "--key", Path("south")};
  // A log is not begun by mistake: that would be two heads by one key.
  ExpectFails(enter, kExitBadInput, "release_log_missing");
  std::vector<std::string> begin = enter;
  begin.emplace_back("--new");
  const json entered = RunJsonOne(begin);
  EXPECT_EQ(entered["size"], 1);
  EXPECT_EQ(entered["log_key"], keys_[1]);
  EXPECT_EQ(RunJsonOne(enter)["size"], 1);
  ExpectFails(begin, kExitBadInput, "release_log_exists");
  std::vector<std::string> by_another = enter;
  by_another.back() = Path("north");
  const std::string logged = *ReadFile(Path("release.cbor"), 1 << 16);
  const json other_key = ExpectFails(by_another, kExitRefused, "release_log_key");
  EXPECT_THAT(std::string(other_key["what"]), HasSubstr("log.cbor"));
  EXPECT_EQ(*ReadFile(Path("release.cbor"), 1 << 16), logged);
  json policy = json::parse(*ReadFile(Policy(1), 1 << 16));
  policy["evidence"]["releases"]["log_key"] = keys_[1];
  ASSERT_TRUE(WriteFileAtomic(Path("logged.json"), policy.dump()).ok());
  ExpectFails(Verify(Path("logged.json")), kExitRefused, "evidence_registers");
  policy["evidence"]["releases"]["log_key"] = keys_[0];
  ASSERT_TRUE(WriteFileAtomic(Path("logged.json"), policy.dump()).ok());
  ExpectFails(Verify(Path("logged.json")), kExitRefused, "release_log_key");
  ASSERT_TRUE(WriteFileAtomic(Path("log.cbor"), "x").ok());
  ExpectFails(enter, kExitBadInput, "cbor_truncated");
}

TEST_F(ReleaseTest, WhatIsNotTheSameIsNotAddedTo) {
  RunJsonOne(Sign("north", "signed.eif"));
  ExpectFails(Sign("north", "signed.eif"), kExitRefused, "release_signer_twice");
  ExpectFails(Sign("south", "plain.eif"), kExitRefused, "release_differs");
  ExpectFails(Sign("south", "signed.eif", "8"), kExitRefused, "release_differs");
  ExpectFails(Sign("none", "signed.eif"), kExitBadInput, "file_unusable");
  std::vector<std::string> mistyped = Sign("south", "signed.eif");
  *std::find(mistyped.begin(), mistyped.end(), "aws-nitro") = "aws-nitr0";
  ExpectFails(mistyped, kExitBadInput, "policy_platform_unknown");
  *std::find(mistyped.begin(), mistyped.end(), "aws-nitr0") = "tpm2";
  ExpectFails(mistyped, kExitBadInput, "build_kind");
  ExpectError(Ran({"sealfold-attest", "release", "sign", Path("r")}), kExitUsage, "usage_wrong");
  std::string damaged = *ReadFile(Path("release.cbor"), 1 << 16);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  ASSERT_TRUE(WriteFileAtomic(Path("damaged.cbor"), damaged).ok());
  ExpectFails({"sealfold-attest", "release", "verify", Path("damaged.cbor")}, kExitRefused,
              "signature_wrong");
  ExpectFails({"sealfold-attest", "release", "verify", Data("measure/plain.eif")}, kExitBadInput,
              "cbor_trailing");
}

}  // namespace
}  // namespace sealfold
