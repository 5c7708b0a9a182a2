"""Hold the Kubernetes manifests and the OpenAPI document to their schemas (in `.venv-deploy`)."""

import json
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = "import sys; from service.http.openapi import document; import msgspec; " + (
    "sys.stdout.buffer.write(msgspec.json.encode(document('0')))"
)


def main() -> None:
    """Exit 1 with what is wrong, if anything is."""
    wrong = []
    version = kubernetes_validate.latest_version()
    for path in sorted((ROOT / "deploy/kubernetes").glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text()):
            if manifest["kind"] == "Kustomization":
                continue  # not the cluster's: kustomize reads it
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except kubernetes_validate.ValidationError as fault:
                wrong.append(f"{path.name}: {fault.message} at {list(fault.path)}")
            else:
                print(f"{path.name}: {manifest['kind']} is valid by Kubernetes {version}")
    python = ROOT / ".venv/bin/python"
    document = json.loads(subprocess.check_output([python, "-c", DOCUMENT], cwd=ROOT))
    faults = OpenAPIV31SpecValidator(document).iter_errors()
    wrong += [f"openapi.json: {fault.message} at {list(fault.path)}" for fault in faults]
    print(f"openapi.json: {len(document['paths'])} paths looked at")
    sys.exit("\n".join(wrong) or None)  # an empty text is a failure, too


if __name__ == "__main__":
    main()
