# SPDX-License-Identifier: Apache-2.0
"""The parsers of test programs' output. The inputs are real output, shortened."""

from __future__ import annotations

from scripts.suites import formats
from scripts.suites.trial import FAIL, PASS, SKIP


def test_tap_takes_names_outcomes_and_directives() -> None:
    text = """\
1..6
ok 1 - ssl_is_used() for TLS connection
not ok 2 - ssl_cipher()
#   Failed test 'ssl_cipher()'
ok 3 # skip LibreSSL only
not ok 4 - a wish # TODO not yet
ok 5
ok 6 - with \\# in the name
"""
    assert formats.tap(text) == [
        ("ssl_is_used() for TLS connection", PASS),
        ("ssl_cipher()", FAIL),
        ("3", SKIP),
        ("a wish", PASS),
        ("5", PASS),
        ("with \\# in the name", PASS),
    ]


def test_nested_tap_names_a_subtest_after_what_it_belongs_to() -> None:
    text = """\
90-test_sslapi.t ..
1..2
    # Subtest: ../../test/sslapitest
    1..2
        # Subtest: test_session
        1..2
        ok 1 - iteration 1
        not ok 2 - iteration 2
    not ok 1 - test_session
# ------------------------------------------------------------------------------
    ok 2 - test_large_message
../../util/wrap.pl ../../test/sslapitest => 1
not ok 1 - running sslapitest
ok 2 - running with FIPS # skip no FIPS
"""
    assert formats.tap(text) == [
        ("running sslapitest / test_session / iteration 1", PASS),
        ("running sslapitest / test_session / iteration 2", FAIL),
        ("running sslapitest / test_session", FAIL),
        ("running sslapitest / test_large_message", PASS),
        ("running sslapitest", FAIL),
        ("running with FIPS", SKIP),
    ]


def test_nested_tap_of_a_program_that_died_is_kept() -> None:
    assert formats.tap("1..1\n    ok 1 - test_a\n    not ok 2 - test_b\n") == [
        ("test_a", PASS),
        ("test_b", FAIL),
    ]


def test_tap_without_numbers_is_named_by_its_comment() -> None:
    text = "1..3\nok #  [0005.client:152] connected\nnot ok # server accept\nok\n"
    assert formats.tap(text) == [("[0005.client:152] connected", PASS), ("server accept", FAIL), ("3", PASS)]


def test_the_harness_time_of_a_file_is_no_subtest() -> None:
    text = "ok 1 - first\nok    10926 ms ( 0.12 usr  0.02 sys +  5.72 cusr  2.95 csys =  8.81 CPU)\nok      3 ms ( 0.00 usr)\n"
    assert formats.tap(text) == [("first", PASS)]


def test_words_that_begin_with_ok_are_no_tap() -> None:
    assert formats.tap("okay\nnot okay\n  looks ok 1\n") == []


def test_junit_xml_knows_each_outcome() -> None:
    text = """<?xml version="1.0"?><testsuites><testsuite name="pytest">
<testcase classname="tests.test_ssl.TestContext" name="test_a[x]" time="0.1"/>
<testcase classname="tests.test_ssl.TestContext" name="test_b"><failure message="no">assert</failure></testcase>
<testcase classname="tests.test_ssl.TestContext" name="test_c"><error message="no">set-up</error></testcase>
<testcase classname="tests.test_ssl.TestContext" name="test_d"><skipped message="no"/></testcase>
</testsuite></testsuites>"""
    assert formats.junit_xml(text) == [
        ("tests.test_ssl.TestContext.test_a[x]", PASS),
        ("tests.test_ssl.TestContext.test_b", FAIL),
        ("tests.test_ssl.TestContext.test_c", FAIL),
        ("tests.test_ssl.TestContext.test_d", SKIP),
    ]


def test_half_a_junit_file_is_none() -> None:
    assert formats.junit_xml('<?xml version="1.0"?><testsuites><testcase classname="a" na') == []


RUBY = """\
# Running tests:

[1/4] OpenSSL::TestSSL#test_a = 0.06 s
[2/4] OpenSSL::TestSSL#test_b = 0.01 s
[3/4] OpenSSL::TestSSL#test_c = 0.00 s
[4/4] OpenSSL::TestSSL#test_d? = 0.00 s
  1) Skipped:
OpenSSL::TestSSL#test_b [test/openssl/test_ssl.rb:12]:
not here

  2) Failure:
OpenSSL::TestSSL#test_c [test/openssl/test_ssl.rb:22]:
<1> expected but was <2>.

  3) Error:
OpenSSL::TestSSL#test_d?:
OpenSSL::SSL::SSLError: certificate verify failed
"""


def test_ruby_failures_stand_at_the_end() -> None:
    assert formats.ruby_verbose(RUBY) == [
        ("OpenSSL::TestSSL#test_a", PASS),
        ("OpenSSL::TestSSL#test_b", SKIP),
        ("OpenSSL::TestSSL#test_c", FAIL),
        ("OpenSSL::TestSSL#test_d?", FAIL),
    ]


def test_a_ruby_test_in_which_the_program_died_has_failed() -> None:
    text = "[1/2] TestA#test_a = 0.06 s\n[2/2] TestA#test_b\n-- Control frame information ---\n"
    assert formats.ruby_verbose(text) == [("TestA#test_a", PASS), ("TestA#test_b", FAIL)]


def test_php_results() -> None:
    text = "PASSED\t/x/001.phpt\nFAILED\t/x/002.phpt\nSKIPPED\t/x/003.phpt\nBORKED\t/x/004.phpt\nXFAILED\t/x/005.phpt\n"
    assert [outcome for _, outcome in formats.php_results(text)] == [PASS, FAIL, SKIP, FAIL, SKIP]


def test_cargo_finds_the_word_after_what_a_test_prints() -> None:
    text = """\
running 5 tests
test asn1::tests::time_eq ... ok
test ssl::test::a - should panic ... ok
test ssl::test::b ... a line of its own
and more ok
test ssl::test::c ... FAILED
test symm::d ... ignored, not in this version

failures:
    ssl::test::c

test result: FAILED. 3 passed; 1 failed; 1 ignored
"""
    assert formats.cargo(text) == [
        ("asn1::tests::time_eq", PASS),
        ("ssl::test::a", PASS),
        ("ssl::test::b", PASS),
        ("ssl::test::c", FAIL),
        ("symm::d", SKIP),
    ]


def test_a_rust_program_that_dies_leaves_a_failure() -> None:
    assert formats.cargo("test a ... ok\ntest b ... ") == [("a", PASS), ("b", FAIL)]


def test_curl() -> None:
    text = """\
test 0300...[simple HTTPS GET]
--pd---e--- OK (1   out of 4  , remaining: 00:14, took 2.053s, duration: 00:02)
test 0301...[HTTPS GET with user and password]
 301: data FAILED:
 - abort tests
test 0303...[HTTPS with 8 secs timeout]
Warning: server logs lock timeout (2 seconds) expired
--pd---e--- OK (2   out of 4  , remaining: 00:12, took 10.033s, duration: 00:12)
test 0320 SKIPPED: curl lacks TLS-SRP support
"""
    assert formats.curl_runtests(text) == [("0300", PASS), ("0301", FAIL), ("0303", PASS), ("0320", SKIP)]
