"""The only Streamlit user in the package: cache, state, components."""
