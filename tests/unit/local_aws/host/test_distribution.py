from local_aws.host.distribution import network_options, own_sources, parse_os_release


def test_os_release_is_read_with_and_without_quotes():
    release = parse_os_release(
        'ID=debian\nVERSION_CODENAME="bookworm"\n# a comment\n\nNAME="Debian GNU/Linux"\n'
    )

    assert ("debian", "bookworm") == (release["ID"], release["VERSION_CODENAME"])


def test_only_the_suites_own_sources_are_used_not_third_parties(tmp_path):
    own = tmp_path / "debian.sources"
    own.write_text("Types: deb\nURIs: http://mirror\nSuites: bookworm bookworm-updates\nComponents: main\n")
    old = tmp_path / "sources.list"
    old.write_text("deb http://mirror bookworm main contrib\n")
    for name, text in {
        "docker.list": "deb http://docker bookworm stable\n",
        "cloud.list": "deb http://cloud cloud-sdk-bookworm main\n",
        "commented.list": "# deb http://mirror bookworm main\n",
        "debian.sources.disabled": own.read_text(),
    }.items():
        (tmp_path / name).write_text(text)

    assert (str(own), str(old)) == own_sources("bookworm", sorted(tmp_path.iterdir()))


def test_proxies_and_certificates_of_apt_are_passed_on_and_nothing_else():
    dump = (
        'Acquire::http::Proxy "http://proxy:3128";\nAcquire::https::CaInfo "/etc/ca.pem";\n'
        'Acquire::http "";\nAcquire::http::Proxy::host "";\nAcquire::Languages "none";\n'
    )

    assert (
        'Acquire::http::Proxy "http://proxy:3128";',
        'Acquire::https::CaInfo "/etc/ca.pem";',
    ) == network_options(dump)
