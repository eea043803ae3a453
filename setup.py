"""What pyproject.toml cannot say: ``assets`` travels inside the package ``engines``, and nothing old travels at all."""

import tempfile

from setuptools import find_namespace_packages, setup

# A build folder that stays in the checkout would put modules into the wheel that were deleted since.
scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)

setup(
    packages=[*find_namespace_packages(include=["app", "app.*", "engines", "engines.*"]), "engines.assets"],
    package_dir={"engines.assets": "assets"},
    package_data={"engines.assets": ["**/*"]},
    exclude_package_data={"engines.assets": ["pictures/*", "**/*.py"]},  # those of the README; what makes assets
    include_package_data=False,
    options={"build": {"build_base": scratch.name}, "egg_info": {"egg_base": scratch.name}},
)
